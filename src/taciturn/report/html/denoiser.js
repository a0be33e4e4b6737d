// The network of an image denoiser, computed in the browser, in slices of time so that the page stays alive.
// An image is { data, height, width, channels }: Float32Array of numbers from 0 to 1 in the order (line, column, channel).
// try_it.js comes first: it decodes numbers, and computes dense networks.
"use strict";

(() => {
  const SLICE = 30; // milliseconds of computing before the page may react

  // Wait until the page has reacted, if the slice is over; throw if the computation was stopped.
  function pauses(progress, signal) {
    let start = performance.now();
    return async (share) => {
      if (performance.now() - start < SLICE) return;
      progress?.(share);
      const channel = new MessageChannel();
      await new Promise((resolve) => {
        channel.port1.onmessage = resolve;
        channel.port2.postMessage(null);
      });
      channel.port1.close();
      signal?.throwIfAborted();
      start = performance.now();
    };
  }

  function decodeDenoiser({ kind, network, ...others }) {
    if (kind === "windows") return { kind, network: window.taciturn.decodeModel(network), ...others };
    const { decodeMatrix, float64 } = window.taciturn;
    const steps = network.steps.map((step) => ({ ...step, weight: step.weight && decodeMatrix(step.weight) }));
    const names = ["shift", "scale", "target_shift", "target_scale"];
    const scaling = Object.fromEntries(names.map((name) => [name, float64(network[name])]));
    return { kind, network: { ...network, steps, ...scaling }, ...others };
  }

  // ---------------------------------------------------------------- maps: { data, channels, height, width }, planes

  const newMap = (channels, height, width) => {
    return { data: new Float32Array(channels * height * width), channels, height, width };
  };

  // A convolution with kernels of 3 × 3 [out, in, 3, 3]; the map is 0 beyond its border.
  async function conv(map, { weight, shape }, pause) {
    const { channels, height, width } = map;
    const result = newMap(shape[0], height, width);
    const [line, plane] = [width + 2, (width + 2) * (height + 2)];
    const padded = new Float32Array(channels * plane);
    for (let i = 0; i < channels * height; i++) {
      const target = Math.floor(i / height) * plane + ((i % height) + 1) * line + 1;
      padded.set(map.data.subarray(i * width, (i + 1) * width), target);
    }
    for (let o = 0; o < shape[0]; o++) {
      const out = result.data.subarray(o * height * width, (o + 1) * height * width);
      for (let i = 0; i < channels; i++) {
        addConvolved(out, padded, i * plane, weight, (o * channels + i) * 9, height, width);
      }
      await pause((o + 1) / shape[0]);
    }
    return result;
  }

  // Add one plane, from `start` on and with a border of 0, times one kernel; three columns of it move along a line.
  function addConvolved(out, plane, start, weight, kernel, height, width) {
    const line = width + 2;
    const [a0, a1, a2] = [weight[kernel], weight[kernel + 1], weight[kernel + 2]];
    const [b0, b1, b2] = [weight[kernel + 3], weight[kernel + 4], weight[kernel + 5]];
    const [c0, c1, c2] = [weight[kernel + 6], weight[kernel + 7], weight[kernel + 8]];
    for (let y = 0; y < height; y++) {
      let [a, b, c] = [start + y * line, start + (y + 1) * line, start + (y + 2) * line];
      let [aLeft, aHere, bLeft, bHere, cLeft, cHere] = [plane[a++], plane[a++], plane[b++], plane[b++], plane[c++], plane[c++]];
      for (let p = y * width, end = p + width; p < end; p++) {
        const [aRight, bRight, cRight] = [plane[a++], plane[b++], plane[c++]];
        out[p] +=
          a0 * aLeft + a1 * aHere + a2 * aRight + b0 * bLeft + b1 * bHere + b2 * bRight + c0 * cLeft + c1 * cHere + c2 * cRight;
        aLeft = aHere;
        aHere = aRight;
        bLeft = bHere;
        bHere = bRight;
        cLeft = cHere;
        cHere = cRight;
      }
    }
  }

  // A convolution with kernels of 2 × 2 [out, in, 2, 2] that halves height and width.
  async function down(map, { weight, shape }, pause) {
    const [height, width] = [map.height / 2, map.width / 2];
    const result = newMap(shape[0], height, width);
    for (let o = 0; o < shape[0]; o++) {
      for (let i = 0; i < map.channels; i++) {
        const k = (o * map.channels + i) * 4;
        for (let y = 0; y < height; y++) {
          let [p, q] = [(o * height + y) * width, (i * map.height + 2 * y) * map.width];
          for (let x = 0; x < width; x++, p++, q += 2) {
            const below = q + map.width;
            result.data[p] +=
              weight[k] * map.data[q] +
              weight[k + 1] * map.data[q + 1] +
              weight[k + 2] * map.data[below] +
              weight[k + 3] * map.data[below + 1];
          }
        }
      }
      await pause((o + 1) / shape[0]);
    }
    return result;
  }

  // The transposed convolution with kernels of 2 × 2 [in, out, 2, 2], which doubles height and width.
  async function up(map, { weight, shape }, pause) {
    const [height, width] = [2 * map.height, 2 * map.width];
    const result = newMap(shape[1], height, width);
    for (let o = 0; o < shape[1]; o++) {
      for (let i = 0; i < map.channels; i++) {
        const k = (i * shape[1] + o) * 4;
        for (let y = 0; y < map.height; y++) {
          let [p, q] = [(i * map.height + y) * map.width, (o * height + 2 * y) * width];
          for (let x = 0; x < map.width; x++, p++, q += 2) {
            const [value, below] = [map.data[p], q + width];
            result.data[q] += weight[k] * value;
            result.data[q + 1] += weight[k + 1] * value;
            result.data[below] += weight[k + 2] * value;
            result.data[below + 1] += weight[k + 3] * value;
          }
        }
      }
      await pause((o + 1) / shape[1]);
    }
    return result;
  }

  const added = (map, other) => ({ ...map, data: map.data.map((value, i) => value + other.data[i]) });
  const rectified = (map) => ({ ...map, data: map.data.map((value) => Math.max(value, 0)) });

  // ---------------------------------------------------------------- a residual network

  // The work of a step in multiplications, for the progress.
  function work(steps, pixels) {
    const works = [];
    let n = pixels / 4;
    for (const { does, shape } of steps) {
      if (does === "down") n /= 4;
      works.push(shape ? n * shape.reduce((a, b) => a * b) : 0);
      if (does === "up") n *= 4;
    }
    return works;
  }

  // Scaled planes of an image, continued by its last line and column, taken apart into four of half the size.
  function takenApart({ data, height, width, channels }, { shift, scale, factor }) {
    const [fullHeight, fullWidth] = [height, width].map((side) => Math.ceil(side / factor) * factor);
    const map = newMap(4 * channels, fullHeight / 2, fullWidth / 2);
    for (let c = 0, p = 0; c < channels; c++) {
      for (let part = 0; part < 4; part++) {
        for (let y = part >> 1; y < fullHeight; y += 2) {
          const line = Math.min(y, height - 1) * width;
          for (let x = part & 1; x < fullWidth; x += 2, p++) {
            map.data[p] = (data[(line + Math.min(x, width - 1)) * channels + c] - shift[c]) / scale[c];
          }
        }
      }
    }
    return map;
  }

  async function denoiseWhole({ network }, image, pause) {
    const { shift, scale, target_shift: targetShift, target_scale: targetScale, steps } = network;
    const { data, height, width, channels } = image;
    const [works, kept] = [work(steps, height * width), []];
    const total = works.reduce((a, b) => a + b, 0);
    let done = 0;
    let map = takenApart(image, network);
    for (const [i, step] of steps.entries()) {
      const within = (share) => pause((done + share * works[i]) / total);
      if (step.does === "keep") kept.push(map);
      else if (step.does === "add") map = added(map, kept.pop());
      else if (step.does === "relu") map = rectified(map);
      else map = await { conv, down, up }[step.does](map, step, within);
      done += works[i];
    }
    const plane = map.height * map.width;
    return Float32Array.from(data, (value, d) => {
      const [c, p] = [d % channels, Math.floor(d / channels)];
      const [y, x] = [Math.floor(p / width), p % width];
      const noise = map.data[(4 * c + 2 * (y & 1) + (x & 1)) * plane + (y >> 1) * map.width + (x >> 1)];
      return ((value - shift[c]) / scale[c] + noise) * targetScale[c] + targetShift[c];
    });
  }

  // ---------------------------------------------------------------- a network of windows

  const positions = (length, side, step) => {
    const last = Math.max(length - side, 0);
    return [...Array.from({ length: Math.ceil(last / step) }, (_, i) => i * step), last];
  };

  // The mean over overlapping windows, whose weights fall towards their borders; see inference/images.py.
  async function denoiseWindows({ network, side, step }, image, pause) {
    const { encode, decode } = window.taciturn;
    const { data, height, width, channels } = image;
    const [sums, weights] = [new Float64Array(data.length), new Float64Array(height * width)];
    const sin2 = Array.from({ length: side }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2);
    const mirrored = (position, length) => {
      const within = position % (2 * length);
      return within < length ? within : 2 * length - 1 - within;
    };
    const tops = positions(height, side, step);
    for (const [number, top] of tops.entries()) {
      for (const left of positions(width, side, step)) {
        const row = new Float64Array(side * side * channels);
        const at = (r, c) => mirrored(top + r, height) * width + mirrored(left + c, width);
        for (let d = 0; d < row.length; d++) {
          const p = Math.floor(d / channels);
          row[d] = data[at(Math.floor(p / side), p % side) * channels + (d % channels)];
        }
        const clean = decode(network, encode(network, row));
        for (let r = 0; r < side && top + r < height; r++) {
          for (let c = 0; c < side && left + c < width; c++) {
            const [weight, p] = [sin2[r] * sin2[c], (top + r) * width + left + c];
            weights[p] += weight;
            for (let k = 0; k < channels; k++) sums[p * channels + k] += weight * clean[(r * side + c) * channels + k];
          }
        }
        await pause(number / tops.length);
      }
    }
    return Float32Array.from(sums, (sum, d) => sum / weights[Math.floor(d / channels)]);
  }

  // ---------------------------------------------------------------- any image

  const channel = ({ data, height, width, channels }, c) => {
    return { data: data.filter((_, d) => d % channels === c), height, width, channels: 1 };
  };

  // The denoised numbers of an image, in its order. A grey network denoises each colour by itself, and a network of
  // colours a grey image as three equal colours, which are averaged. `progress` is called with the share that is done;
  // `signal` stops the computation.
  async function denoise(denoiser, image, { progress, signal } = {}) {
    const compute = denoiser.kind === "residual" ? denoiseWhole : denoiseWindows;
    const { data, channels } = image;
    if (channels === denoiser.channels) return compute(denoiser, image, pauses(progress, signal));
    if (channels === 1) {
      const three = Float32Array.from({ length: 3 * data.length }, (_, d) => data[Math.floor(d / 3)]);
      const colours = await compute(denoiser, { ...image, data: three, channels: 3 }, pauses(progress, signal));
      return data.map((_, p) => (colours[3 * p] + colours[3 * p + 1] + colours[3 * p + 2]) / 3);
    }
    const result = new Float32Array(data.length);
    for (let c = 0; c < channels; c++) {
      const pause = pauses((share) => progress?.((c + share) / channels), signal);
      const grey = await compute(denoiser, channel(image, c), pause);
      grey.forEach((value, p) => {
        result[p * channels + c] = value;
      });
    }
    return result;
  }

  window.taciturn = Object.assign(window.taciturn ?? {}, { decodeDenoiser, denoise });
})();
