// A viewer: two pictures of an image, divided by a line, moved and zoomed. That of the section "Images before and after"
// shows the page's pictures, which stand alone without JavaScript.
"use strict";

(() => {
  const HANDLE = 12; // distance from the line in pixels, within which a drag moves the line and not the image
  const STEP = 16; // by which an arrow key moves the image, in pixels of the screen
  const HEIGHT = 448;
  const observers = new Map(); // of each box, which may show other images later

  // Show images in a viewer's box. An image is { name, pictures }; a picture is an image element or a canvas, whose
  // dataset has its kind.
  function view(box, images) {
    const part = (name) => box.querySelector(`[data-part=${name}]`);
    const [image, left, right, divider, zoom] = ["image", "left", "right", "divider", "zoom"].map(part);
    const [canvas, output] = [box.querySelector("canvas"), box.querySelector("output")];
    const state = { x: 0.5, y: 0.5 }; // which point of the image is in the middle, as shares of its width and height
    image.replaceChildren(...images.map(({ name }, i) => new Option(name, i)));
    image.parentElement.hidden = images.length === 1;
    const kinds = images[0].pictures.map(({ dataset }) => dataset.kind);
    for (const side of [left, right]) side.replaceChildren(...kinds.map((kind) => new Option(kind)));
    [left.value, right.value] = ["before", "after"];
    if (box.hidden) zoom.value = "2"; // at first
    box.hidden = false;

    const pictures = () => images[image.value].pictures;
    const shown = (side) => pictures().find(({ dataset }) => dataset.kind === side.value);
    const size = () => {
      const [{ naturalWidth, naturalHeight, width, height }] = pictures();
      return { width: naturalWidth ?? width, height: naturalHeight ?? height };
    };
    const line = () => (canvas.clientWidth * divider.value) / 100;

    function draw() {
      const [ratio, scale, { width, height }] = [window.devicePixelRatio || 1, Number(zoom.value), size()];
      const [w, h] = [canvas.clientWidth, Math.min(HEIGHT, height * scale)];
      canvas.style.height = `${h}px`;
      [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.imageSmoothingEnabled = false;
      const place = (center, length, window) =>
        length * scale <= window
          ? (window - length * scale) / 2
          : Math.min(Math.max(window / 2 - center * length * scale, window - length * scale), 0);
      const [x, y] = [Math.round(place(state.x, width, w)), Math.round(place(state.y, height, h))];
      for (const [side, from, to] of [
        [left, 0, line()],
        [right, line(), w],
      ]) {
        context.save();
        context.beginPath();
        context.rect(from, 0, to - from, h);
        context.clip();
        context.drawImage(shown(side), x, y, width * scale, height * scale);
        context.restore();
      }
      context.fillStyle = getComputedStyle(canvas).getPropertyValue("--accent");
      context.fillRect(line() - 1, 0, 2, h);
      output.textContent = `Left of the line: ${left.value}; right of it: ${right.value}.`;
    }

    // Move the image by pixels of the screen; its middle stays within it.
    function move(dx, dy) {
      const { width, height } = size();
      state.x = Math.min(Math.max(state.x - dx / (width * zoom.value), 0), 1);
      state.y = Math.min(Math.max(state.y - dy / (height * zoom.value), 0), 1);
      draw();
    }

    function magnify(step) {
      const next = zoom.options[zoom.selectedIndex + step];
      if (next) zoom.value = next.value;
      draw();
    }

    const moveLine = (x) => {
      divider.value = (100 * x) / canvas.clientWidth;
      draw();
    };
    const keys = {
      ArrowLeft: () => move(STEP, 0),
      ArrowRight: () => move(-STEP, 0),
      ArrowUp: () => move(0, STEP),
      ArrowDown: () => move(0, -STEP),
      "+": () => magnify(1),
      "-": () => magnify(-1),
      ",": () => moveLine(line() - STEP),
      ".": () => moveLine(line() + STEP),
    };
    canvas.onkeydown = (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      keys[event.key]();
      event.preventDefault();
    };
    let drag = null; // "line" or "image"
    canvas.onpointerdown = (event) => {
      drag = Math.abs(event.offsetX - line()) <= HANDLE ? "line" : "image";
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointermove = (event) => {
      if (drag === "line") moveLine(event.offsetX);
      else if (drag === "image") move(event.movementX, event.movementY);
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      drag = null;
    };
    for (const control of [image, left, right, divider, zoom]) control.oninput = draw;
    for (const { pictures: own } of images) for (const each of own) if (each.complete === false) each.onload = draw;
    observers.get(box)?.disconnect();
    observers.set(box, new ResizeObserver(draw));
    observers.get(box).observe(box);
    draw();
    return { draw, state };
  }

  function start() {
    const box = document.querySelector("#denoised-images .viewer");
    const images = [...document.querySelectorAll("#denoised-images article")]
      .map((article) => ({
        name: article.querySelector("h3 .data-text").textContent,
        pictures: [...article.querySelectorAll("img[data-kind]")],
      }))
      .filter(({ pictures }) => pictures.length);
    const viewer = images.length ? view(box, images) : undefined;
    window.taciturn = Object.assign(window.taciturn ?? {}, { view, viewer });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
