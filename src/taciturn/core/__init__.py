"""What every room uses: errors, recipes, schedules, seeds, processes, files. Import its modules one by one."""
