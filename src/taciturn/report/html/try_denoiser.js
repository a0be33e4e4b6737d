// The section "Try the denoiser": an image of the reader's own, denoised in the browser. denoiser.js computes.
"use strict";

(() => {
  const MAX_SIDE = 512; // pixels
  const FULL = 255;

  // Numbers from 0 to 1 of an image source of at most 512 × 512 pixels: its middle, or the whole scaled down.
  function pixelsOf(source, part) {
    const [width, height] = [source.naturalWidth ?? source.width, source.naturalHeight ?? source.height];
    const share = part === "whole" ? Math.min(1, MAX_SIDE / Math.max(width, height)) : 1;
    const [w, h] = [width, height].map((side) => Math.max(1, Math.min(MAX_SIDE, Math.round(side * share))));
    const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white"; // behind transparent pixels
    context.fillRect(0, 0, w, h);
    if (share < 1) context.drawImage(source, 0, 0, w, h);
    else context.drawImage(source, -Math.floor((width - w) / 2), -Math.floor((height - h) / 2));
    const { data } = context.getImageData(0, 0, w, h);
    const isGrey = !data.some((value, i) => i % 4 < 3 && value !== data[i - (i % 4)]);
    const channels = isGrey ? 1 : 3;
    const length = w * h * channels;
    const numbers = Float32Array.from({ length }, (_, d) => data[4 * Math.floor(d / channels) + (d % channels)] / FULL);
    return { data: numbers, height: h, width: w, channels, cut: w < width || h < height, isScaled: share < 1 };
  }

  // A canvas with numbers from 0 to 1, rounded as Python rounds them.
  function drawn(kind, { data, height, width, channels }) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const image = new ImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      for (let c = 0; c < 3; c++) image.data[4 * p + c] = FULL * data[p * channels + (channels === 3 ? c : 0)];
      image.data[4 * p + 3] = FULL;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.dataset.kind = kind;
    return canvas;
  }

  const decibels = (data, clean) =>
    -10 * Math.log10(data.reduce((sum, value, d) => sum + (value - clean[d]) ** 2, 0) / data.length);

  function start(section) {
    const { decodeDenoiser, denoise, gaussian, view } = window.taciturn;
    const data = JSON.parse(section.querySelector("#try-denoiser-model").textContent);
    const denoiser = decodeDenoiser(data);
    const part = (name) => section.querySelector(`[data-part=${name}]`);
    const names = ["file", "own", "part", "noise", "level", "progress", "stop", "save", "status"];
    const [file, own, which, noise, level, progress, stop, save, status] = names.map(part);
    const [drop, box] = [section.querySelector(".drop"), section.querySelector(".viewer")];
    const images = [...document.querySelectorAll("#denoised-images article")].flatMap((article) => {
      const [clean, before] = ["clean", "before"].map((kind) => article.querySelector(`img[data-kind=${kind}]`));
      const name = article.querySelector("h3 .data-text").textContent;
      return before ? [{ name, source: clean ?? before, isClean: clean !== null }] : [];
    });
    const state = { source: null, name: "", stopper: null, result: null };
    own.replaceChildren(new Option("—", ""), ...images.map(({ name }, i) => new Option(name, i)));
    own.parentElement.hidden = images.length === 0;
    drop.hidden = false;
    const showLevel = () => {
      level.textContent = `${Math.round(FULL * noise.value)} of 255`;
    };

    // Denoise the image with the noise that is chosen. A computation that still goes on is stopped.
    async function update() {
      state.stopper?.abort();
      if (!state.source) return;
      const stopper = new AbortController();
      state.stopper = stopper;
      state.result = null;
      const clean = pixelsOf(state.source, which.value);
      const std = Number(noise.value);
      const added = std ? gaussian(1, clean.data.length) : null;
      const before = { ...clean, data: added ? clean.data.map((value, d) => value + std * added[d]) : clean.data };
      const began = performance.now();
      [stop.disabled, save.disabled, progress.value] = [false, true, 0];
      status.textContent = `${state.name}: ${clean.width} × ${clean.height} pixels …`;
      try {
        const show = (share) => {
          progress.value = share;
        };
        const after = { ...clean, data: await denoise(denoiser, before, { progress: show, signal: stopper.signal }) };
        stopper.signal.throwIfAborted();
        const removed = before.data.map((value, d) => 0.5 + value - after.data[d]);
        const pictures = { before, after, removed: { ...clean, data: removed }, ...(std ? { "without noise": clean } : {}) };
        state.result = { before, after };
        view(box, [{ name: state.name, pictures: Object.entries(pictures).map(([kind, each]) => drawn(kind, each)) }]);
        status.textContent = summary(clean, std, before, after, performance.now() - began);
        save.disabled = false;
      } catch (error) {
        if (!stopper.signal.aborted) throw error;
        if (state.stopper === stopper) status.textContent = "Stopped.";
      } finally {
        if (state.stopper === stopper) [stop.disabled, progress.value] = [true, 1];
      }
    }

    function summary(clean, std, before, after, milliseconds) {
      const size = `${state.name}: ${clean.width} × ${clean.height} pixels`;
      const scaled = clean.isScaled ? ", scaled down, which takes noise away" : ", the middle of a larger image";
      const gain = `PSNR against the image without the added noise: ${decibels(before.data, clean.data).toFixed(1)} → ${decibels(after.data, clean.data).toFixed(1)} dB. `;
      return `${size}${clean.cut ? scaled : ""}. ${std ? gain : ""}Computed in ${(milliseconds / 1000).toFixed(1)} s.`;
    }

    // Show a file, whose noise is its own.
    async function open(chosen) {
      try {
        state.source = await createImageBitmap(chosen);
      } catch {
        status.textContent = `${chosen.name} is not an image that this browser reads; try a PNG or JPEG file.`;
        return undefined;
      }
      [state.name, own.value, noise.value] = [chosen.name, "", 0];
      showLevel();
      return update();
    }

    file.onchange = () => file.files.length && open(file.files[0]);
    own.onchange = () => {
      if (own.value === "") return;
      const { name, source, isClean } = images[own.value];
      [state.source, state.name, noise.value] = [source, name, isClean ? data.noise : 0];
      showLevel();
      update();
    };
    noise.oninput = showLevel;
    noise.onchange = which.onchange = update;
    stop.onclick = () => state.stopper?.abort();
    save.onclick = () => {
      drawn("after", state.result.after).toBlob((blob) => {
        const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "denoised.png" });
        link.click();
        URL.revokeObjectURL(link.href);
      });
    };
    section.ondragover = (event) => {
      event.preventDefault();
      drop.classList.add("over");
    };
    section.ondragleave = () => drop.classList.remove("over");
    section.ondrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
    };
    noise.value = 0;
    showLevel();
    return { denoiser, state, update };
  }

  function startSection() {
    const section = document.getElementById("try-denoiser");
    if (section?.querySelector("#try-denoiser-model")) window.taciturn.tryDenoiser = start(section);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startSection);
  else startSection();
})();
