// The section "Try the model": the page's model, computed in the browser. No library, no network.
// First the model's arithmetic, which tests call as window.taciturn, then the section's controls.
// Data from Python keeps its keys in snake_case.
"use strict";

(() => {
  // ---------------------------------------------------------------- numbers in base64

  const bytes = (base64) => {
    const text = atob(base64);
    const view = new DataView(new ArrayBuffer(text.length));
    for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i));
    return view;
  };

  const float32 = (base64) => {
    const view = bytes(base64);
    return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  };

  const float64 = (base64) => {
    const view = bytes(base64);
    return Float64Array.from({ length: view.byteLength / 8 }, (_, i) => view.getFloat64(8 * i, true));
  };

  // float16: sign, 5 bits of exponent, 10 of mantissa; exponent 0 means no hidden bit. Infinities do not occur.
  const half = (bits) => {
    const exponent = (bits >> 10) & 31;
    const mantissa = bits & 1023;
    const size = exponent ? (1024 + mantissa) * 2 ** (exponent - 25) : mantissa * 2 ** -24;
    return bits & 0x8000 ? -size : size;
  };

  const decodeMatrix = (encoded) => {
    if (encoded.float32) return float32(encoded.float32);
    const { factor, float16 } = encoded;
    const view = bytes(float16);
    const matrix = new Float32Array(view.byteLength / 2);
    for (let i = 0; i < matrix.length; i++) matrix[i] = factor * half(view.getUint16(2 * i, true));
    return matrix;
  };

  // ---------------------------------------------------------------- the model

  const activations = window.taciturnActivations || {}; // by name; the page defines those that its model uses

  // Encoder weights are [out, in] and decoder weights [in, out], so that tied layers share one array.
  function decodeModel(encoded) {
    const encoder = encoded.encoder.map(({ weight, bias }) => ({ weight: decodeMatrix(weight), bias: float32(bias) }));
    const decoder = encoded.decoder.map(({ weight, bias }, i) => ({
      weight: weight ? decodeMatrix(weight) : encoder[encoder.length - 1 - i].weight,
      bias: float32(bias),
    }));
    const coder = { ...encoded.coder };
    for (const name of ["threshold", "scale", "bias"]) if (coder[name]) coder[name] = float32(coder[name]);
    const whitening = encoded.whitening && float32(encoded.whitening);
    const input = { ...decodeScaling(encoded), mean: float64(encoded.mean) };
    const target = encoded.target ? decodeScaling(encoded.target) : input;
    return { ...encoded, encoder, decoder, coder, whitening, input, target, unit: float64(encoded.unit) };
  }

  // The numbers of rows' scaling, or of their targets', which is that of reconstructions.
  function decodeScaling({ shift, scale, colouring, knots, scores }) {
    const tables = { knots: knots && float64(knots), scores: scores && float64(scores) };
    return { shift: float64(shift), scale: float64(scale), colouring: colouring && float32(colouring), ...tables };
  }

  // x Wᵀ: Σ_i x[i] W[o, i] for every o, as torch's linear.
  function timesTransposed(x, weight) {
    const n = x.length;
    const product = new Float64Array(weight.length / n);
    for (let o = 0; o < product.length; o++) {
      let sum = 0;
      for (let i = 0, index = o * n; i < n; i++, index++) sum += x[i] * weight[index];
      product[o] = sum;
    }
    return product;
  }

  // x W: Σ_l x[l] W[l, o] for every o. Zeros in x are skipped, because most codes are 0.
  function times(x, weight) {
    const n = weight.length / x.length;
    const product = new Float64Array(n);
    for (let l = 0; l < x.length; l++) {
      if (x[l] === 0) continue;
      for (let o = 0, index = l * n; o < n; o++, index++) product[o] += x[l] * weight[index];
    }
    return product;
  }

  const add = (a, b) => a.map((value, i) => value + b[i]);
  const subtract = (a, b) => a.map((value, i) => value - b[i]);

  // The values of piecewise-linear functions, one for each column, whose corners are all columns' knots and values in
  // one array. The first and the last segment go on.
  function interpolate(x, knots, values) {
    const size = knots.length / x.length;
    return x.map((value, d) => {
      let [left, last] = [d * size, (d + 1) * size - 2];
      while (left < last) {
        const middle = Math.ceil((left + last) / 2);
        if (value >= knots[middle]) left = middle;
        else last = middle - 1;
      }
      const slope = (values[left + 1] - values[left]) / (knots[left + 1] - knots[left]);
      return values[left] + (value - knots[left]) * slope;
    });
  }

  // A missing value is NaN and enters as its column's mean.
  function scaleRow(model, row) {
    const { shift, scale, mean, knots, scores } = model.input;
    const scaled = Float64Array.from(row, (value, d) => ((isNaN(value) ? mean[d] : value) - shift[d]) / scale[d]);
    if (knots) return interpolate(scaled, knots, scores);
    return model.whitening ? times(scaled, model.whitening) : scaled;
  }

  // A row in its own units, for a scaled row and the numbers of its scaling: model.input or model.target.
  function unscaleRow({ shift, scale, colouring, knots, scores }, scaled) {
    const coloured = colouring ? times(scaled, colouring) : Float64Array.from(scaled);
    const affine = knots ? interpolate(coloured, scores, knots) : coloured;
    return affine.map((value, d) => value * scale[d] + shift[d]);
  }

  // The coding layer: codes from the encoder's product and bias, whose sum are the pre-activations.
  function applyCodingLayer(coder, product, bias) {
    const preActivations = add(product, bias);
    if (coder.kind === "elementwise") return Float32Array.from(preActivations, activations[coder.activation]);
    const codes = new Float32Array(preActivations.length);
    if (coder.kind === "top") {
      const size = coder.signed ? preActivations.map(Math.abs) : preActivations;
      const order = Array.from(preActivations.keys()).sort((a, b) => size[b] - size[a]);
      for (const l of order.slice(0, coder.k)) {
        codes[l] = coder.signed ? preActivations[l] : Math.max(preActivations[l], 0);
      }
    } else if (coder.kind === "threshold") {
      for (let l = 0; l < codes.length; l++) if (preActivations[l] > coder.threshold[l]) codes[l] = preActivations[l];
    } else {
      for (let l = 0; l < codes.length; l++) {
        if (preActivations[l] > 0) codes[l] = Math.max(product[l] * coder.scale[l] + coder.bias[l], 0);
      }
    }
    return codes;
  }

  // The reconstruction before the output activation, in scaled units.
  function logits(model, codes) {
    let h = codes;
    model.decoder.forEach(({ weight, bias }, i) => {
      h = add(times(i ? h.map(activations[model.hidden]) : h, weight), bias);
    });
    return h;
  }

  function encodeScaled(model, scaled) {
    const { encoder, decoder, coder } = model;
    let x = model.centred ? subtract(scaled, decoder[decoder.length - 1].bias) : scaled;
    for (const { weight, bias } of encoder.slice(0, -1)) {
      x = add(timesTransposed(x, weight), bias).map(activations[model.hidden]);
    }
    const { weight, bias } = encoder[encoder.length - 1];
    let product = timesTransposed(x, weight);
    let codes = applyCodingLayer(coder, product, bias);
    for (const eta of model.refine) {
      const residual = subtract(scaled, logits(model, codes)).map((value) => value * eta);
      product = add(product, timesTransposed(residual, decoder[0].weight));
      codes = applyCodingLayer(coder, product, bias);
    }
    return codes;
  }

  const decodeScaled = (model, codes) => logits(model, codes).map(activations[model.output]);
  const encode = (model, row) => encodeScaled(model, scaleRow(model, row)); // Float32Array [L]; row in input units
  const decode = (model, codes) => unscaleRow(model.target, decodeScaled(model, codes)); // [D], in target units

  // What a code of 1 adds before the output activation, in scaled units that are not whitened.
  function direction(model, latent) {
    const codes = new Float32Array(model.widths[model.widths.length - 1]);
    const withoutCodes = logits(model, codes);
    codes[latent] = 1;
    const added = subtract(logits(model, codes), withoutCodes);
    return model.target.colouring ? times(added, model.target.colouring) : added;
  }

  // ---------------------------------------------------------------- noise: the same numbers for the same seed

  function gaussian(seed, n) {
    let state = seed >>> 0;
    const uniform = () => {
      // mulberry32
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    return Float64Array.from({ length: n }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    });
  }

  // ---------------------------------------------------------------- elements and texts

  const MAX_LISTED = 12; // latents in the list of the largest codes
  const ANNOUNCE_DELAY_MS = 400; // the cursor's position is announced after this time without a move

  // Names come from data, so text must only become text nodes and attributes, never HTML.
  function element(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  const button = (text, onclick, properties = {}) =>
    element("button", { type: "button", textContent: text, onclick, ...properties });

  const note = (text) => element("p", { className: "try-note" }, text);

  const largest = (values) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1;

  // A number with as many decimals as distinguish a five-hundredth of the range.
  function formatInRange(value, range) {
    if (isNaN(value)) return "missing";
    const size = Math.max(Math.abs(value), range);
    if (size >= 1e9 || (size > 0 && size < 1e-5)) return value.toExponential(2).replace("-", "−");
    const decimals = range > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(range)), 0), 9) : 2;
    const grouped = size >= 10_000; // 48,980, but years are not grouped
    const text = value.toLocaleString("en", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
      useGrouping: grouped,
    });
    return (Number(value.toFixed(decimals)) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  // A number ≥ 0 with three significant digits.
  function formatDigits(value) {
    if (isNaN(value)) return "—"; // no value is known
    const fixed = value === 0 || (value >= 1e-4 && value < 1e6);
    return fixed ? `${Number(value.toPrecision(3))}` : value.toExponential(2);
  }

  function formatDecibels(value) {
    if (isNaN(value)) return "—";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    return `${value.toFixed(1).replace("-", "−")} dB`;
  }

  // ---------------------------------------------------------------- the section

  function start(section) {
    const data = JSON.parse(section.querySelector("#try-it-model").textContent);
    data.examples = data.examples.map((row) => row.map((value) => value ?? NaN)); // JSON has no NaN
    const model = decodeModel(data.model);
    const { shape, low, high } = data;
    const [nColumns, nLatents] = [model.widths[0], model.widths[model.widths.length - 1]];
    const [lowest, highest] = [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
    const state = { row: Float64Array.from(data.examples[0]), sigma: 0, seed: 1, switchedOff: new Set() };
    const resultPainters = []; // functions that show a result
    const themePainters = []; // functions that draw what depends on the theme alone
    const directions = new Map();
    let colours = readColours();
    let noise = gaussian(state.seed, nColumns);
    let result;

    function compute() {
      const scaled = scaleRow(model, state.row);
      const known = state.row.map((value) => !isNaN(value));
      const nKnown = known.reduce((sum, value) => sum + value, 0);
      const mixes = model.whitening !== null; // the columns, so that each number of a scaled row has noise
      const noisy = scaled.map((value, d) => (known[d] || mixes ? value + state.sigma * noise[d] : value));
      const codes = encodeScaled(model, noisy);
      const usedCodes = codes.map((value, l) => (state.switchedOff.has(l) ? 0 : value));
      const unscaled = state.sigma ? unscaleRow(model.input, noisy) : state.row;
      const received = unscaled.map((value, d) => (known[d] ? value : NaN));
      const reconstruction = decode(model, usedCodes);
      const squared = (value, d) => (known[d] ? ((value - state.row[d]) / model.unit[d]) ** 2 : 0);
      const error = (row) => row.reduce((sum, value, d) => sum + squared(value, d), 0) / nKnown;
      return {
        row: state.row,
        noisy: received,
        codes,
        usedCodes, // 0 for latents that are switched off
        reconstruction,
        errors: [error(received), error(reconstruction)],
      };
    }

    function update() {
      result = compute();
      for (const paint of resultPainters) paint(result);
    }

    function show(row) {
      state.row = Float64Array.from(row);
      update();
    }

    function repaint() {
      colours = readColours();
      for (const paint of themePainters) paint();
      update();
    }

    const parts = data.is_image ? imageParts() : tableParts();
    section.append(
      element(
        "div",
        { className: "try" },
        element("div", { className: "try-input" }, ...parts.first, exampleButtons(), noiseControl(), ...parts.last),
        element("div", { className: "try-output" }, ...parts.output, errorTable(), codeList()),
      ),
    );
    update();
    repaint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    new MutationObserver(repaint).observe(document.documentElement, { attributes: true });
    return { model, result: () => result, show };

    // ------------------------------------------------------------ images

    // The colours of text and of positive and negative numbers as [red, green, blue, 255], whatever notation the style
    // sheet uses.
    function readColours() {
      const probe = element("canvas", { width: 1, height: 1, hidden: true });
      section.append(probe);
      const context = probe.getContext("2d", { willReadFrequently: true });
      const [ink, positive, negative, missing] = ["ink", "positive", "negative", "missing"].map((name) => {
        probe.style.color = `var(--try-${name})`;
        context.fillStyle = getComputedStyle(probe).color;
        context.fillRect(0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data;
      });
      probe.remove();
      return { ink, positive, negative, missing };
    }

    function canvas(width, height, properties) {
      return element("canvas", { width, height, role: "img", ...properties });
    }

    // Draw one number in [-1, 1] per cell: the sign as the colour, the size as its opacity. NaN has a colour of its own.
    function drawSigned(target, values, positive = colours.positive) {
      const image = new ImageData(target.width, target.height);
      values.forEach((value, i) => {
        image.data.set(isNaN(value) ? colours.missing : value < 0 ? colours.negative : positive, 4 * i);
        if (!isNaN(value)) image.data[4 * i + 3] = 255 * Math.min(Math.abs(value), 1);
      });
      target.getContext("2d").putImageData(image, 0, 0);
    }

    // Draw a row as an image: the lowest value transparent, the highest in the text's colour. Three channels are red,
    // green and blue.
    function drawRow(target, row) {
      const share = (value) => Math.min(Math.max((value - lowest) / (highest - lowest || 1), 0), 1);
      if (shape.length === 2) return drawSigned(target, Array.from(row, share), colours.ink);
      const image = new ImageData(shape[1], shape[0]);
      for (let i = 0; i < shape[0] * shape[1]; i++) {
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * share(row[3 * i + c]);
        image.data[4 * i + 3] = 255;
        if (row.slice(3 * i, 3 * i + 3).some(isNaN)) image.data.set(colours.missing, 4 * i);
      }
      return target.getContext("2d").putImageData(image, 0, 0);
    }

    function figure(text, target) {
      const caption = element("figcaption", {}, text);
      return { node: element("figure", {}, target, caption), caption };
    }

    function imageParts() {
      const noisy = canvas(shape[1], shape[0], { "aria-label": "input: the row with noise" });
      const reconstruction = canvas(shape[1], shape[0], { "aria-label": "reconstruction" });
      const width = Math.ceil(Math.sqrt(nLatents));
      const codes = canvas(width, Math.ceil(nLatents / width), { "aria-label": "codes, one cell per latent" });
      const codesFigure = figure("", codes);
      resultPainters.push((result) => {
        drawRow(noisy, result.noisy);
        drawRow(reconstruction, result.reconstruction);
        const max = largest(result.usedCodes);
        drawSigned(codes, Array.from(result.usedCodes, (value) => value / max));
        codesFigure.caption.textContent = activeText(result.usedCodes);
      });
      const figures = [figure("input", noisy), figure("reconstruction", reconstruction), codesFigure];
      const images = element("div", { className: "try-images" }, ...figures.map(({ node }) => node));
      return { first: drawing(), last: [], output: [images] };
    }

    function activeText(codes) {
      const above = model.coder.active_above ?? null;
      const active = codes.filter((value) => (above === null ? value !== 0 : value > above)).length;
      return `${active} of ${nLatents} latents active${above === null ? "" : ` (code above ${above})`}`;
    }

    function drawing() {
      const [height, width] = shape;
      const channels = shape[2] || 1;
      const cursor = { r: Math.floor(height / 2), c: Math.floor(width / 2) };
      const maxRadius = Math.max(1, Math.min(height, width) / 8);
      let radius = Math.max(0.5, Math.min(height, width) / 28);
      let tool = "paint"; // "erase" and "remove" are buttons
      let strokeEnd = null; // the last position of the stroke; null without a stroke

      // Paint or erase the pixels within the radius of the segment from a to b, fading over the last pixel; or remove
      // them, which makes them missing.
      function stroke(a, b, tool) {
        const squaredLength = (b.r - a.r) ** 2 + (b.c - a.c) ** 2;
        for (let r = 0; r < height; r++) {
          for (let c = 0; c < width; c++) {
            const share = squaredLength ? ((r - a.r) * (b.r - a.r) + (c - a.c) * (b.c - a.c)) / squaredLength : 0;
            const t = Math.min(Math.max(share, 0), 1);
            const distance = Math.hypot(r - a.r - t * (b.r - a.r), c - a.c - t * (b.c - a.c));
            const strength = Math.min(Math.max(radius + 0.5 - distance, 0), 1);
            if (strength === 0) continue;
            for (let d = (r * width + c) * channels, end = d + channels; d < end; d++) {
              const before = isNaN(state.row[d]) ? lowest : state.row[d];
              if (tool === "paint") state.row[d] = Math.max(before, lowest + strength * (highest - lowest));
              else if (tool === "erase") state.row[d] = Math.min(before, highest + strength * (lowest - highest));
              else if (strength >= 0.5) state.row[d] = NaN;
            }
          }
        }
      }

      const grid = canvas(width, height, {
        tabIndex: 0,
        role: "application",
        "aria-label": `Drawing of ${height} × ${width} cells: arrow keys move, space paints, backspace erases`,
      });
      const mark = element("div", { className: "try-cursor" });
      const announcement = element("p", { className: "try-note", "aria-live": "polite" });
      let timer;

      // Announce the cursor's position after a pause, so that a held arrow key does not announce every cell.
      function announce() {
        clearTimeout(timer);
        timer = setTimeout(() => {
          const value = state.row[(cursor.r * width + cursor.c) * channels];
          const text = formatInRange(value, highest - lowest);
          announcement.textContent = `row ${cursor.r + 1}, column ${cursor.c + 1}: ${text}`;
        }, ANNOUNCE_DELAY_MS);
      }

      function move(r, c) {
        cursor.r = Math.min(Math.max(r, 0), height - 1);
        cursor.c = Math.min(Math.max(c, 0), width - 1);
        mark.style.left = `${(100 * cursor.c) / width}%`;
        mark.style.top = `${(100 * cursor.r) / height}%`;
        announce();
      }

      function cell(event) {
        const box = grid.getBoundingClientRect();
        return {
          r: ((event.clientY - box.top) / box.height) * height - 0.5,
          c: ((event.clientX - box.left) / box.width) * width - 0.5,
        };
      }

      const penTool = (event) => ((event.buttons & 32) !== 0 ? "erase" : tool);

      grid.onpointerdown = (event) => {
        if (event.button !== 0 && event.button !== 5) return;
        event.preventDefault();
        grid.focus({ preventScroll: true });
        grid.setPointerCapture(event.pointerId);
        strokeEnd = cell(event);
        stroke(strokeEnd, strokeEnd, penTool(event));
        move(Math.round(strokeEnd.r), Math.round(strokeEnd.c));
        update();
      };
      grid.onpointermove = (event) => {
        if (!strokeEnd) return;
        const coalesced = event.getCoalescedEvents?.() ?? [];
        for (const step of coalesced.length ? coalesced : [event]) {
          const position = cell(step);
          stroke(strokeEnd, position, penTool(event));
          strokeEnd = position;
        }
        update();
      };
      grid.onpointerup = grid.onpointercancel = () => {
        strokeEnd = null;
      };
      grid.onkeydown = (event) => {
        const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (steps[event.key]) {
          move(cursor.r + steps[event.key][0], cursor.c + steps[event.key][1]);
        } else if (event.key === " " || event.key === "Backspace" || event.key === "Delete") {
          stroke(cursor, cursor, event.key === " " ? tool : "erase");
          announce();
          update();
        } else {
          return;
        }
        event.preventDefault();
      };

      mark.style.width = `${100 / width}%`;
      mark.style.height = `${100 / height}%`;
      move(cursor.r, cursor.c);
      clearTimeout(timer); // the initial position is not announced
      resultPainters.push((result) => drawRow(grid, result.row));

      const toolButtons = ["erase", "remove"].map((name) => button(name, () => toggle(name), { "aria-pressed": "false" }));
      function toggle(name) {
        tool = tool === name ? "paint" : name;
        for (const each of toolButtons) each.setAttribute("aria-pressed", each.textContent === tool);
      }
      const range = { min: 0.5, max: maxRadius, step: "any", value: radius };
      const brush = element("input", { type: "range", id: "try-it-brush", ...range });
      brush.oninput = () => {
        radius = Number(brush.value);
      };
      const tools = element(
        "div",
        { className: "try-tools" },
        button("clear", () => show(new Float64Array(nColumns).fill(lowest))),
        ...toolButtons,
        element("label", { htmlFor: "try-it-brush" }, "brush"),
        brush,
      );
      const drawn = figure("draw here", element("div", { className: "try-drawing" }, grid, mark)).node;
      return [drawn, announcement, tools, note("Remove: makes pixels missing, which are amber.")];
    }

    // ------------------------------------------------------------ a table's columns

    function tableParts() {
      const list = element("div", { className: "try-sliders" });
      for (const d of data.slider_columns) list.append(slider(d));
      const nOthers = nColumns - data.slider_columns.length;
      const others = `${nOthers} of ${nColumns} columns have no slider: they change the codes less, or not at all.`;
      const legend =
        "Left: the value, set by the slider or typed; an empty one is missing. " +
        "Right, and as a green mark on the line: its reconstruction. " +
        "Grey mark: the value with noise.";
      return { first: [], last: [note(legend), list, ...(nOthers ? [note(others)] : [])], output: [] };
    }

    function slider(d) {
      const id = `try-it-column-${d}`;
      const range = high[d] - low[d];
      const left = (value) => `${100 * Math.min(Math.max((value - low[d]) / range, 0), 1)}%`;
      const input = element("input", { type: "range", id, min: low[d], max: high[d], step: "any" });
      const typed = { inputMode: "decimal", autocomplete: "off", placeholder: "missing" };
      const value = element("input", { type: "text", className: "try-value try-typed", ...typed });
      value.setAttribute("aria-label", `${data.column_names[d]}: a number, or nothing if it is missing`);
      const reconstruction = element("span", { className: "try-value try-reconstruction" });
      const tick = element("i", { className: "try-tick", "aria-hidden": "true" });
      const noisyTick = element("i", { className: "try-tick try-noisy", "aria-hidden": "true" });
      input.oninput = () => {
        state.row[d] = Number(input.value);
        update();
      };
      value.onchange = () => {
        const number = Number(value.value.replaceAll(",", "").replace("−", "-"));
        if (value.value.trim() === "") state.row[d] = NaN;
        else if (Number.isFinite(number)) state.row[d] = number;
        update();
      };
      resultPainters.push((result) => {
        const isMissing = isNaN(result.row[d]);
        input.value = isMissing ? model.input.mean[d] : result.row[d];
        input.setAttribute("aria-valuetext", formatInRange(result.row[d], range));
        input.classList.toggle("try-missing", isMissing);
        value.value = isMissing ? "" : formatInRange(result.row[d], range);
        reconstruction.textContent = formatInRange(result.reconstruction[d], range);
        tick.style.left = left(result.reconstruction[d]);
        noisyTick.style.left = left(result.noisy[d]);
        noisyTick.hidden = state.sigma === 0 || isMissing;
      });
      const columnName = data.column_names[d];
      const label = element("label", { htmlFor: id, dir: "auto", title: columnName }, columnName);
      const track = element("div", { className: "try-track" }, input, noisyTick, tick);
      return element("div", { className: "try-slider" }, label, value, track, reconstruction);
    }

    // ------------------------------------------------------------ examples and noise

    function exampleButtons() {
      const group = element("div", { className: "try-examples", role: "group", "aria-label": "example rows" });
      data.examples.forEach((row, i) => {
        const choice = button("", () => show(row), { title: data.example_names[i], dir: "auto" });
        if (data.is_image) {
          const thumbnail = canvas(shape[1], shape[0], { "aria-hidden": "true" });
          choice.setAttribute("aria-label", data.example_names[i]);
          choice.append(thumbnail);
          themePainters.push(() => drawRow(thumbnail, row));
        } else {
          choice.textContent = data.example_names[i];
        }
        group.append(choice);
      });
      return group;
    }

    function noiseControl() {
      const value = element("span", { className: "try-value" }, "0");
      const range = { min: 0, max: data.max_noise, step: data.max_noise / 100, value: 0 };
      const input = element("input", { type: "range", id: "try-it-noise", ...range });
      input.oninput = () => {
        state.sigma = Number(input.value);
        value.textContent = formatDigits(state.sigma);
        update();
      };
      const redraw = button("new noise", () => {
        noise = gaussian(++state.seed, nColumns);
        update();
      });
      const label = element("label", { htmlFor: "try-it-noise" }, "noise");
      return element("div", { className: "try-tools" }, label, input, value, redraw);
    }

    // ------------------------------------------------------------ errors and codes

    function errorTable() {
      const columns = data.is_image ? ["mean squared error", "PSNR"] : ["mean squared error"];
      const cells = [0, 1].map(() => columns.map(() => element("td")));
      resultPainters.push(({ errors }) => {
        errors.forEach((error, i) => {
          cells[i][0].textContent = formatDigits(error);
          if (data.is_image) cells[i][1].textContent = formatDecibels(10 * Math.log10(data.peak ** 2 / error));
        });
      });
      const header = (text, scope) => element("th", { scope, textContent: text });
      return element(
        "table",
        { className: "try-numbers" },
        element("caption", {}, "compared with the clean row, in units of the data"),
        element(
          "thead",
          {},
          element("tr", {}, element("td"), ...columns.map((text) => header(text, "col"))),
        ),
        element(
          "tbody",
          {},
          ...["input", "reconstruction"].map((name, i) => element("tr", {}, header(name, "row"), ...cells[i])),
        ),
      );
    }

    function codeList() {
      const list = element("ol", { className: "try-codes" });
      const lines = new Map(); // by latent
      const legend = data.is_image
        ? "Images: what a latent adds (orange) and takes away (blue)."
        : "Beside each latent: the two columns that it changes most.";
      const count = element("span", { className: "try-note" });
      const empty = note("No latent is active.");
      const switchAllOn = button("switch all on", () => {
        state.switchedOff.clear();
        update();
      });
      resultPainters.push(({ codes }) => {
        const order = Array.from(codes.keys()).sort((a, b) => Math.abs(codes[b]) - Math.abs(codes[a]));
        const listed = order.slice(0, MAX_LISTED).filter((l) => codes[l] !== 0 || state.switchedOff.has(l));
        listed.push(...[...state.switchedOff].filter((l) => !listed.includes(l)));
        const max = largest(listed.map((l) => codes[l]));
        listed.forEach((l, i) => {
          if (!lines.has(l)) lines.set(l, codeLine(l));
          const { item, paint } = lines.get(l);
          // a button that is moved loses the focus, so lines that are in their place stay
          if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
          paint(codes[l], max);
        });
        while (list.children.length > listed.length) list.lastChild.remove();
        count.textContent = state.switchedOff.size ? `${state.switchedOff.size} switched off` : "";
        empty.hidden = listed.length > 0;
      });
      const tools = element("div", { className: "try-tools" }, switchAllOn, count);
      return element("div", {}, element("h3", {}, "Latents with the largest codes"), note(legend), list, empty, tools);
    }

    function codeLine(l) {
      const bar = element("i");
      const value = element("span", { className: "try-value" });
      const track = element("span", { className: "try-bar", "aria-hidden": "true" }, bar);
      const switchOff = button("switch off", toggle, { "aria-label": `switch off latent ${l}` });
      const effect = effectOf(l);
      const latent = element("span", { className: "try-latent" }, `${l}`);
      const item = element("li", {}, latent, effect, track, value, switchOff);
      function toggle() {
        if (!state.switchedOff.delete(l)) state.switchedOff.add(l);
        update();
      }
      const paint = (code, max) => {
        bar.style.width = `${(100 * Math.abs(code)) / max}%`;
        bar.className = code < 0 ? "try-negative" : "";
        value.textContent = formatInRange(code, max);
        item.className = state.switchedOff.has(l) ? "try-switched-off" : "";
        switchOff.setAttribute("aria-pressed", state.switchedOff.has(l));
      };
      if (data.is_image) {
        drawDirection(effect, l);
        themePainters.push(() => drawDirection(effect, l));
      }
      return { item, paint };
    }

    function directionOf(l) {
      if (!directions.has(l)) directions.set(l, direction(model, l));
      return directions.get(l);
    }

    // What a latent adds: an image, or the names of the two columns that it changes most.
    function effectOf(l) {
      if (data.is_image) return canvas(shape[1], shape[0], { "aria-label": `what latent ${l} adds` });
      const added = directionOf(l);
      const order = Array.from(added.keys()).sort((a, b) => Math.abs(added[b]) - Math.abs(added[a]));
      const names = element("span", { className: "try-effect" });
      order.slice(0, 2).forEach((d, i) => {
        names.append(i ? ", " : "", element("bdi", {}, data.column_names[d]), added[d] < 0 ? " ↓" : " ↑");
      });
      return names;
    }

    function drawDirection(target, l) {
      const added = directionOf(l).map((value, d) => value * model.target.scale[d]);
      const max = largest(added);
      if (shape.length === 2) return drawSigned(target, Array.from(added, (value) => value / max));
      const aroundMiddle = (value) => lowest + (highest - lowest) * (0.5 + value / max / 2);
      return drawRow(target, added.map(aroundMiddle));
    }
  }

  const functions = { decodeModel, decodeMatrix, float64, scaleRow, unscaleRow, encode, decode, gaussian, start };
  window.taciturn = Object.assign(window.taciturn ?? {}, functions);

  function startSection() {
    const section = document.getElementById("try-it");
    if (!section?.querySelector("#try-it-model")) return;
    try {
      window.taciturn.tryIt = start(section);
    } catch (error) {
      section.append(element("p", { role: "alert" }, `This section could not start: ${error.message}`));
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startSection);
  else startSection();
})();
