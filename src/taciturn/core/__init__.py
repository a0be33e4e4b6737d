"""Errors, recipes, schedules, seeds, processes and files, for every room.

This file imports nothing, because some modules load torch: import the modules one by one.
"""
