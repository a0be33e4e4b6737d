// The viewer of the section "Images before and after": two pictures of an image, divided by a line, moved and zoomed.
// The pictures are those of the page. Without JavaScript they stand alone.
"use strict";

(() => {
  const HANDLE = 12; // distance from the line in pixels, within which a drag moves the line and not the image
  const STEP = 16; // by which an arrow key moves the image, in pixels of the screen
  const HEIGHT = 448;

  function start(box) {
    const images = [...document.querySelectorAll("#denoised-images article")]
      .map((article) => ({
        name: article.querySelector("h3 .data-text").textContent,
        pictures: [...article.querySelectorAll("img[data-kind]")],
      }))
      .filter(({ pictures }) => pictures.length);
    if (!images.length) return undefined;
    const part = (name) => box.querySelector(`[data-part=${name}]`);
    const [image, left, right, divider, zoom] = ["image", "left", "right", "divider", "zoom"].map(part);
    const [canvas, output] = [box.querySelector("canvas"), box.querySelector("output")];
    const state = { x: 0.5, y: 0.5 }; // which point of the image is in the middle, as shares of its width and height
    images.forEach(({ name }, i) => image.append(new Option(name, i)));
    for (const { dataset } of images[0].pictures) for (const side of [left, right]) side.append(new Option(dataset.kind));
    [left.value, right.value] = ["before", "after"];
    zoom.value = "2";
    box.hidden = false;

    const pictures = () => images[image.value].pictures;
    const shown = (side) => pictures().find(({ dataset }) => dataset.kind === side.value);
    const size = () => ({ width: pictures()[0].naturalWidth, height: pictures()[0].naturalHeight });
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
    for (const { pictures: own } of images) for (const each of own) if (!each.complete) each.onload = draw;
    new ResizeObserver(draw).observe(box);
    draw();
    return { draw, state };
  }

  function startViewer() {
    const box = document.getElementById("viewer");
    if (box) window.taciturn = Object.assign(window.taciturn ?? {}, { viewer: start(box) });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startViewer);
  else startViewer();
})();
