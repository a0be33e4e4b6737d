// Try it: the model of this page, computed in the browser. No library, no network.
// First the arithmetic (window.taciturn: decodeModel, normalise, restore, encode, decode), then the section's controls.
"use strict";

(() => {
  // ---------------------------------------------------------------- numbers as text

  const bytes = (base64) => {
    const text = atob(base64);
    const found = new DataView(new ArrayBuffer(text.length));
    for (let i = 0; i < text.length; i++) found.setUint8(i, text.charCodeAt(i));
    return found;
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

  const matrix = (plain) => {
    if (plain.float32) return float32(plain.float32);
    const { factor, float16 } = plain;
    const view = bytes(float16);
    const found = new Float32Array(view.byteLength / 2);
    for (let i = 0; i < found.length; i++) found[i] = factor * half(view.getUint16(2 * i, true));
    return found;
  };

  // ---------------------------------------------------------------- the model

  const activations = window.taciturnActivations || {}; // by name; the page writes those that its model uses

  // Both directions keep a weight as rows of latents (encoder [out, in], decoder [in, out]), so that tied ones are one.
  function decodeModel(plain) {
    const encoder = plain.encoder.map(({ weight, bias }) => ({ weight: matrix(weight), bias: float32(bias) }));
    const decoder = plain.decoder.map(({ weight, bias }, i) => ({
      weight: weight ? matrix(weight) : encoder[encoder.length - 1 - i].weight,
      bias: float32(bias),
    }));
    const coder = { ...plain.coder };
    for (const name of ["threshold", "scale", "bias"]) if (coder[name]) coder[name] = float32(coder[name]);
    return {
      ...plain,
      encoder,
      decoder,
      coder,
      shift: float64(plain.shift),
      scale: float64(plain.scale),
      whitening: plain.whitening && float32(plain.whitening),
      colouring: plain.colouring && float32(plain.colouring),
    };
  }

  // Σ_i x[i] W[o, i] for every o: weight' as torch's linear has it.
  function across(x, weight) {
    const n = x.length;
    const found = new Float64Array(weight.length / n);
    for (let o = 0; o < found.length; o++) {
      let sum = 0;
      for (let i = 0, at = o * n; i < n; i++, at++) sum += x[i] * weight[at];
      found[o] = sum;
    }
    return found;
  }

  // Σ_l x[l] W[l, o] for every o; what is 0 costs nothing.
  function along(x, weight) {
    const n = weight.length / x.length;
    const found = new Float64Array(n);
    for (let l = 0; l < x.length; l++) {
      if (x[l] === 0) continue;
      for (let o = 0, at = l * n; o < n; o++, at++) found[o] += x[l] * weight[at];
    }
    return found;
  }

  const plus = (a, b) => a.map((value, i) => value + b[i]);
  const minus = (a, b) => a.map((value, i) => value - b[i]);

  function normalise(model, x) {
    const scaled = Float64Array.from(x, (value, d) => (value - model.shift[d]) / model.scale[d]);
    return model.whitening ? along(scaled, model.whitening) : scaled;
  }

  function restore(model, scaled) {
    const mixed = model.colouring ? along(scaled, model.colouring) : Float64Array.from(scaled);
    return mixed.map((value, d) => value * model.scale[d] + model.shift[d]);
  }

  // From the encoder's product and its bias to what the coding layer says; pre-activations are their sum.
  function say(coder, product, bias) {
    const pre = plus(product, bias);
    if (coder.kind === "elementwise") return Float32Array.from(pre, activations[coder.activation]);
    const codes = new Float32Array(pre.length);
    if (coder.kind === "top") {
      const size = coder.signed ? pre.map(Math.abs) : pre;
      const order = Array.from(pre.keys()).sort((a, b) => size[b] - size[a]);
      for (const l of order.slice(0, coder.k)) codes[l] = coder.signed ? pre[l] : Math.max(pre[l], 0);
    } else if (coder.kind === "threshold") {
      for (let l = 0; l < pre.length; l++) if (pre[l] > coder.threshold[l]) codes[l] = pre[l];
    } else {
      for (let l = 0; l < pre.length; l++) {
        if (pre[l] > 0) codes[l] = Math.max(product[l] * coder.scale[l] + coder.bias[l], 0);
      }
    }
    return codes;
  }

  // The reconstruction of codes before the output activation, in scaled units.
  function logits(model, codes) {
    let h = codes;
    model.decoder.forEach(({ weight, bias }, i) => {
      h = plus(along(i ? h.map(activations[model.hidden]) : h, weight), bias);
    });
    return h;
  }

  function encodeScaled(model, scaled) {
    const { encoder, decoder, coder } = model;
    let x = model.centred ? minus(scaled, decoder[decoder.length - 1].bias) : scaled;
    for (const { weight, bias } of encoder.slice(0, -1)) {
      x = plus(across(x, weight), bias).map(activations[model.hidden]);
    }
    const { weight, bias } = encoder[encoder.length - 1];
    let product = across(x, weight);
    let codes = say(coder, product, bias);
    for (const eta of model.refine) {
      const left = minus(scaled, logits(model, codes)).map((value) => value * eta);
      product = plus(product, across(left, decoder[0].weight));
      codes = say(coder, product, bias);
    }
    return codes;
  }

  const decodeScaled = (model, codes) => logits(model, codes).map(activations[model.output]);
  const encode = (model, x) => encodeScaled(model, normalise(model, x)); // Float32Array [L], x in the input's units
  const decode = (model, codes) => restore(model, decodeScaled(model, codes)); // [D], in the input's units

  // What a latent at 1 adds before the output activation, in the columns' deviations (not whitened).
  function atom(model, latent) {
    const one = new Float32Array(model.widths[model.widths.length - 1]);
    const nothing = logits(model, one);
    one[latent] = 1;
    const added = minus(logits(model, one), nothing);
    return model.colouring ? along(added, model.colouring) : added;
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

  // ---------------------------------------------------------------- the page

  const LOUDEST = 12;

  // Text only ever becomes a text node: names come from data.
  function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const button = (text, act, properties = {}) =>
    element("button", { type: "button", textContent: text, onclick: act, ...properties });

  const note = (text) => element("p", { className: "try-told" }, text);

  // As many decimals as tell apart a five-hundredth of the range.
  function number(value, range) {
    const size = Math.max(Math.abs(value), range);
    if (size >= 1e9 || (size > 0 && size < 1e-5)) return value.toExponential(2).replace("-", "−");
    const decimals = range > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(range)), 0), 9) : 2;
    const text = value.toFixed(decimals);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  function few(value) {
    const plainly = value === 0 || (value >= 1e-4 && value < 1e6);
    return plainly ? `${Number(value.toPrecision(3))}` : value.toExponential(2);
  }

  function decibel(value) {
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    return `${value.toFixed(1).replace("-", "−")} dB`;
  }

  function start(section) {
    const plain = JSON.parse(section.querySelector("#try-it-model").textContent);
    const model = decodeModel(plain.model);
    const { shape, low, high } = plain;
    const [nColumns, nLatents] = [model.widths[0], model.widths[model.widths.length - 1]];
    const [least, most] = [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
    const state = { row: Float64Array.from(plain.rows[0]), sigma: 0, seed: 1, silenced: new Set() };
    const painters = []; // each shows what was computed
    const still = []; // and these what does not change
    const atoms = new Map();
    let inks = readInks();
    let noise = gaussian(state.seed, nColumns);
    let now;

    function compute() {
      const scaled = normalise(model, state.row);
      const seen = scaled.map((value, d) => value + state.sigma * noise[d]);
      const codes = encodeScaled(model, seen);
      const said = codes.map((value, l) => (state.silenced.has(l) ? 0 : value));
      const recon = decodeScaled(model, said);
      const error = (x) => x.reduce((sum, value, d) => sum + (value - scaled[d]) ** 2, 0) / nColumns;
      return {
        row: state.row,
        seen: state.sigma ? restore(model, seen) : state.row,
        codes,
        said,
        denoised: restore(model, recon),
        errors: [state.sigma ? error(seen) : 0, error(recon)],
      };
    }

    function update() {
      now = compute();
      for (const paint of painters) paint(now);
    }

    function show(row) {
      state.row = Float64Array.from(row);
      update();
    }

    // After a change of theme.
    function repaint() {
      inks = readInks();
      for (const paint of still) paint();
      update();
    }

    const parts = plain.image ? pictures() : sliders();
    section.append(
      element(
        "div",
        { className: "try" },
        element("div", { className: "try-input" }, ...parts.first, examples(), noiseControl(), ...parts.last),
        element("div", { className: "try-output" }, ...parts.output, numbers(), codesList()),
      ),
    );
    update();
    repaint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    new MutationObserver(repaint).observe(document.documentElement, { attributes: true });
    return { model, now: () => now, show };

    // ------------------------------------------------------------ pictures

    // The page's ink and accent as [red, green, blue, 255], however its style sheet writes them.
    function readInks() {
      const probe = element("canvas", { width: 1, height: 1, hidden: true });
      section.append(probe);
      const { color, outlineColor } = getComputedStyle(probe);
      const context = probe.getContext("2d", { willReadFrequently: true });
      const [adds, takes] = [color, outlineColor].map((text) => {
        context.fillStyle = text;
        context.fillRect(0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data;
      });
      probe.remove();
      return { adds, takes };
    }

    function canvas(width, height, properties) {
      return element("canvas", { width, height, role: "img", ...properties });
    }

    // One value a cell in [-1, 1]: what adds in ink, what takes away in the accent.
    function shade(target, values) {
      const image = new ImageData(target.width, target.height);
      values.forEach((value, i) => {
        image.data.set(value < 0 ? inks.takes : inks.adds, 4 * i);
        image.data[4 * i + 3] = 255 * Math.min(Math.abs(value), 1);
      });
      target.getContext("2d").putImageData(image, 0, 0);
    }

    // A row as an image: low is paper and high is ink; three channels are red, green and blue.
    function picture(target, row) {
      const part = (value) => Math.min(Math.max((value - least) / (most - least || 1), 0), 1);
      if (shape.length === 2) return shade(target, Array.from(row, part));
      const image = new ImageData(shape[1], shape[0]);
      for (let i = 0; i < shape[0] * shape[1]; i++) {
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * part(row[3 * i + c]);
        image.data[4 * i + 3] = 255;
      }
      return target.getContext("2d").putImageData(image, 0, 0);
    }

    function figure(caption, target) {
      const said = element("figcaption", {}, caption);
      return [element("figure", {}, target, said), said];
    }

    function pictures() {
      const seen = canvas(shape[1], shape[0], { "aria-label": "the row with noise, as the model sees it" });
      const denoised = canvas(shape[1], shape[0], { "aria-label": "what the model makes of it" });
      const width = Math.ceil(Math.sqrt(nLatents));
      const codes = canvas(width, Math.ceil(nLatents / width), { "aria-label": "the codes, one cell a latent" });
      const [codesFigure, caption] = figure("", codes);
      painters.push((now) => {
        picture(seen, now.seen);
        picture(denoised, now.denoised);
        const loudest = now.said.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
        shade(codes, Array.from(now.said, (value) => value / loudest));
        caption.textContent = activeText(now.said);
      });
      const figures = [figure("seen", seen)[0], figure("denoised", denoised)[0], codesFigure];
      const shown = element("div", { className: "try-pictures" }, ...figures);
      return { first: pad(), last: [], output: [shown] };
    }

    function activeText(codes) {
      const above = model.coder.activeAbove ?? null;
      const active = codes.filter((value) => (above === null ? value !== 0 : value > above)).length;
      return `${active} of ${nLatents} latents active${above === null ? "" : ` (above ${above})`}`;
    }

    function pad() {
      const [height, width] = shape;
      const channels = shape[2] || 1;
      const cursor = { r: Math.floor(height / 2), c: Math.floor(width / 2) };
      const thickest = Math.max(1, Math.min(height, width) / 8);
      let radius = Math.max(0.5, Math.min(height, width) / 28);
      let erasing = false;
      let from = null; // where the stroke was

      // The pixels within the radius of a segment from a to b, softly at the rim.
      function stroke(a, b, erase) {
        const length = (b.r - a.r) ** 2 + (b.c - a.c) ** 2;
        for (let r = 0; r < height; r++) {
          for (let c = 0; c < width; c++) {
            const share = length ? ((r - a.r) * (b.r - a.r) + (c - a.c) * (b.c - a.c)) / length : 0;
            const t = Math.min(Math.max(share, 0), 1);
            const distance = Math.hypot(r - a.r - t * (b.r - a.r), c - a.c - t * (b.c - a.c));
            const strength = Math.min(Math.max(radius + 0.5 - distance, 0), 1);
            if (strength === 0) continue;
            for (let d = (r * width + c) * channels, end = d + channels; d < end; d++) {
              const aim = erase ? most + strength * (least - most) : least + strength * (most - least);
              state.row[d] = erase ? Math.min(state.row[d], aim) : Math.max(state.row[d], aim);
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
      const told = element("p", { className: "try-told", "aria-live": "polite" });
      let telling;

      // after a rest only: a held arrow key is not read out cell by cell
      function tell() {
        clearTimeout(telling);
        telling = setTimeout(() => {
          const value = state.row[(cursor.r * width + cursor.c) * channels];
          told.textContent = `row ${cursor.r + 1}, column ${cursor.c + 1}: ${number(value, most - least)}`;
        }, 400);
      }

      function move(r, c) {
        cursor.r = Math.min(Math.max(r, 0), height - 1);
        cursor.c = Math.min(Math.max(c, 0), width - 1);
        mark.style.left = `${(100 * cursor.c) / width}%`;
        mark.style.top = `${(100 * cursor.r) / height}%`;
        tell();
      }

      function cell(event) {
        const box = grid.getBoundingClientRect();
        return {
          r: ((event.clientY - box.top) / box.height) * height - 0.5,
          c: ((event.clientX - box.left) / box.width) * width - 0.5,
        };
      }

      const penErases = (event) => erasing || (event.buttons & 32) !== 0;

      grid.onpointerdown = (event) => {
        if (event.button !== 0 && event.button !== 5) return;
        event.preventDefault();
        grid.focus({ preventScroll: true });
        grid.setPointerCapture(event.pointerId);
        from = cell(event);
        stroke(from, from, penErases(event));
        move(Math.round(from.r), Math.round(from.c));
        update();
      };
      grid.onpointermove = (event) => {
        if (!from) return;
        const passed = event.getCoalescedEvents?.() ?? [];
        for (const step of passed.length ? passed : [event]) {
          const to = cell(step);
          stroke(from, to, penErases(event));
          from = to;
        }
        update();
      };
      grid.onpointerup = grid.onpointercancel = () => {
        from = null;
      };
      grid.onkeydown = (event) => {
        const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (steps[event.key]) {
          move(cursor.r + steps[event.key][0], cursor.c + steps[event.key][1]);
        } else if (event.key === " " || event.key === "Backspace" || event.key === "Delete") {
          stroke(cursor, cursor, erasing || event.key !== " ");
          tell();
          update();
        } else {
          return;
        }
        event.preventDefault();
      };

      mark.style.width = `${100 / width}%`;
      mark.style.height = `${100 / height}%`;
      move(cursor.r, cursor.c);
      clearTimeout(telling); // nobody has moved yet
      painters.push((now) => picture(grid, now.row));

      const eraser = button("erase", toggle, { "aria-pressed": "false" });
      function toggle() {
        erasing = !erasing;
        eraser.setAttribute("aria-pressed", erasing);
      }
      const reach = { min: 0.5, max: thickest, step: "any", value: radius };
      const brush = element("input", { type: "range", id: "try-it-brush", ...reach });
      brush.oninput = () => {
        radius = Number(brush.value);
      };
      const tools = element(
        "div",
        { className: "try-tools" },
        button("clear", () => show(new Float64Array(nColumns).fill(least))),
        eraser,
        element("label", { htmlFor: "try-it-brush" }, "brush"),
        brush,
      );
      return [figure("draw here", element("div", { className: "try-pad" }, grid, mark))[0], told, tools];
    }

    // ------------------------------------------------------------ a table's columns

    function sliders() {
      const list = element("div", { className: "try-sliders" });
      for (const d of plain.sliders) list.append(slider(d));
      const rest = nColumns - plain.sliders.length;
      const others = `${rest} of ${nColumns} columns have no slider: they move the codes less, or not at all.`;
      const legend =
        "Left the value, which the slider moves; right, and as a mark, what the model makes of it. " +
        "A pale mark: the value with noise.";
      return { first: [], last: [note(legend), list, ...(rest ? [note(others)] : [])], output: [] };
    }

    function slider(d) {
      const id = `try-it-column-${d}`;
      const range = high[d] - low[d];
      const place = (value) => `${100 * Math.min(Math.max((value - low[d]) / range, 0), 1)}%`;
      const input = element("input", { type: "range", id, min: low[d], max: high[d], step: "any" });
      const value = element("span", { className: "try-value" });
      const denoised = element("span", { className: "try-value try-denoised" });
      const tick = element("i", { className: "try-tick", "aria-hidden": "true" });
      const seenTick = element("i", { className: "try-tick try-seen", "aria-hidden": "true" });
      input.oninput = () => {
        state.row[d] = Number(input.value);
        update();
      };
      painters.push((now) => {
        input.value = now.row[d];
        input.setAttribute("aria-valuetext", number(now.row[d], range));
        value.textContent = number(now.row[d], range);
        denoised.textContent = number(now.denoised[d], range);
        tick.style.left = place(now.denoised[d]);
        seenTick.style.left = place(now.seen[d]);
        seenTick.hidden = state.sigma === 0;
      });
      const name = element("label", { htmlFor: id, dir: "auto", title: plain.columns[d] }, plain.columns[d]);
      const track = element("div", { className: "try-track" }, input, seenTick, tick);
      return element("div", { className: "try-slider" }, name, value, track, denoised);
    }

    // ------------------------------------------------------------ examples and noise

    function examples() {
      const group = element("div", { className: "try-examples", role: "group", "aria-label": "example rows" });
      plain.rows.forEach((row, i) => {
        const choice = button("", () => show(row), { title: plain.names[i], dir: "auto" });
        if (plain.image) {
          const small = canvas(shape[1], shape[0], { "aria-hidden": "true" });
          choice.setAttribute("aria-label", plain.names[i]);
          choice.append(small);
          still.push(() => picture(small, row));
        } else {
          choice.textContent = plain.names[i];
        }
        group.append(choice);
      });
      return group;
    }

    function noiseControl() {
      const value = element("span", { className: "try-value" }, "0");
      const reach = { min: 0, max: plain.noise, step: plain.noise / 100, value: 0 };
      const input = element("input", { type: "range", id: "try-it-noise", ...reach });
      input.oninput = () => {
        state.sigma = Number(input.value);
        value.textContent = few(state.sigma);
        update();
      };
      const again = button("redraw", () => {
        noise = gaussian(++state.seed, nColumns);
        update();
      });
      const name = element("label", { htmlFor: "try-it-noise" }, "noise");
      return element("div", { className: "try-tools" }, name, input, value, again);
    }

    // ------------------------------------------------------------ errors and codes

    function numbers() {
      const cells = [0, 1].map(() => [element("td"), element("td")]);
      painters.push(({ errors }) => {
        errors.forEach((error, i) => {
          cells[i][0].textContent = few(error);
          cells[i][1].textContent = decibel(10 * Math.log10(plain.peak ** 2 / error));
        });
      });
      const head = (text, scope) => element("th", { scope, textContent: text });
      return element(
        "table",
        { className: "try-numbers" },
        element("caption", {}, "against the clean row, in scaled units"),
        element("thead", {}, element("tr", {}, element("td"), head("squared error", "col"), head("PSNR", "col"))),
        element(
          "tbody",
          {},
          ...["seen", "denoised"].map((name, i) => element("tr", {}, head(name, "row"), ...cells[i])),
        ),
      );
    }

    function codesList() {
      const list = element("ol", { className: "try-codes" });
      const lines = new Map();
      const told = plain.image
        ? "Each picture: what the latent adds, in ink, and what it takes away, in colour."
        : "Each with the two columns that it moves most.";
      const silent = element("span", { className: "try-told" });
      const all = button("let all speak", () => {
        state.silenced.clear();
        update();
      });
      painters.push((now) => {
        const loud = Array.from(now.codes.keys()).sort((a, b) => Math.abs(now.codes[b]) - Math.abs(now.codes[a]));
        const shown = loud.slice(0, LOUDEST).filter((l) => now.codes[l] !== 0 || state.silenced.has(l));
        shown.push(...[...state.silenced].filter((l) => !shown.includes(l)));
        const loudest = shown.reduce((most, l) => Math.max(most, Math.abs(now.codes[l])), 0) || 1;
        shown.forEach((l, i) => {
          if (!lines.has(l)) lines.set(l, line(l));
          const { item, paint } = lines.get(l);
          // a button that is moved would lose its focus
          if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
          paint(now, loudest);
        });
        while (list.children.length > shown.length) list.lastChild.remove();
        silent.textContent = state.silenced.size ? `${state.silenced.size} silenced` : "";
        empty.hidden = shown.length > 0;
      });
      const empty = note("No latent speaks.");
      const tools = element("div", { className: "try-tools" }, all, silent);
      return element("div", {}, element("h3", {}, "The loudest latents"), note(told), list, empty, tools);
    }

    function line(l) {
      const bar = element("i");
      const value = element("span", { className: "try-value" });
      const track = element("span", { className: "try-bar", "aria-hidden": "true" }, bar);
      const silence = button("silence", toggle, { "aria-label": `silence latent ${l}` });
      const adds = meaning(l);
      const item = element("li", {}, element("span", { className: "try-name" }, `${l}`), adds, track, value, silence);
      function toggle() {
        if (!state.silenced.delete(l)) state.silenced.add(l);
        update();
      }
      const paint = (now, loudest) => {
        const code = now.codes[l];
        bar.style.width = `${(100 * Math.abs(code)) / loudest}%`;
        bar.className = code < 0 ? "try-minus" : "";
        value.textContent = number(code, loudest);
        item.className = state.silenced.has(l) ? "try-silenced" : "";
        silence.setAttribute("aria-pressed", state.silenced.has(l));
      };
      if (plain.image) {
        drawAtom(adds, l);
        still.push(() => drawAtom(adds, l));
      }
      return { item, paint };
    }

    function added(l) {
      if (!atoms.has(l)) atoms.set(l, atom(model, l));
      return atoms.get(l);
    }

    // What a latent adds: an image, or the names of the columns that it moves most.
    function meaning(l) {
      if (plain.image) return canvas(shape[1], shape[0], { "aria-label": `what latent ${l} adds` });
      const moved = added(l);
      const order = Array.from(moved.keys()).sort((a, b) => Math.abs(moved[b]) - Math.abs(moved[a]));
      const said = element("span", { className: "try-meaning" });
      order.slice(0, 2).forEach((d, i) => {
        said.append(i ? ", " : "", element("bdi", {}, plain.columns[d]), moved[d] < 0 ? " ↓" : " ↑");
      });
      return said;
    }

    function drawAtom(target, l) {
      const units = added(l).map((value, d) => value * model.scale[d]);
      const greatest = units.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
      if (shape.length === 2) return shade(target, Array.from(units, (value) => value / greatest));
      const around = (value) => least + (most - least) * (0.5 + value / greatest / 2);
      return picture(target, units.map(around));
    }
  }

  const open = { decodeModel, normalise, restore, encode, decode, gaussian, start };
  window.taciturn = Object.assign(window.taciturn ?? {}, open);

  function begin() {
    const section = document.getElementById("try-it");
    if (!section?.querySelector("#try-it-model")) return;
    try {
      window.taciturn.tryIt = start(section);
    } catch (error) {
      section.append(element("p", { role: "alert" }, `This section could not start: ${error.message}`));
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
