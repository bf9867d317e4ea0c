"use strict";
// Steps through a flow: values appear gate by gate, then gradients on the way back.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const order = new Map(data.gates.map((gate, k) => [gate.name, k]));
  const variables = new Map(data.variables.map((variable) => [variable.name, variable]));
  // A gate that no gradient reaches has no step on the way back.
  const backward = data.gates.filter((gate) => gate.upstreams.some((t) => t !== null)).reverse();
  const turn = data.gates.length + 1; // the step at which the loss gets its gradient, 1
  const returned = new Map(backward.map((gate, k) => [gate.name, turn + 1 + k]));
  const last = turn + backward.length;
  const state = { step: 0, view: 0, gate: null, zoom: 0, timer: null };

  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const bracketed = (text) => (text.startsWith("[") ? text : `[${text}]`);
  const span = (role, text) => `<span class="is-${role}">${escape(bracketed(text))}</span>`;
  const short = (place) => (place === null ? "no gradient" : data.tensors[place].short);

  // Sentences.

  function forwardSentence(gate) {
    const inputs = gate.inputs.map((edge) => `${escape(edge.name)} = ${span("value", short(edge.value))}`).join(", ");
    const values = gate.values.map((value) => span("value", short(value))).join(", ");
    const formula = gate.formula ? ` <span class="faint">${escape(gate.formula)}</span>` : "";
    return `<b>${escape(gate.name)}</b>${formula}\n${inputs} → ${values}`;
  }

  function edgeSentence(gate, edge) {
    if (edge.downstream === null) return `${escape(edge.name)}: no gradient`;
    const down = span("gradient", short(edge.downstream));
    const upstreams = gate.upstreams.filter((t) => t !== null).map((t) => span("gradient", short(t)));
    if (gate.kind === "copy") return `${upstreams.join(" + ")} = ${down}  for ${escape(edge.name)}`;
    if (edge.local !== null) {
      const formula = edge.formula ? ` <span class="faint">(local: ${escape(edge.formula)})</span>` : "";
      const summed = edge.summed ? ", summed to its shape," : "";
      return `${upstreams[0]} × ${span("local", short(edge.local))}${summed} = ${down}  for ${escape(edge.name)}${formula}`;
    }
    const rule = span("local", edge.rule === null ? "local" : `local: ${edge.rule}`);
    return `${upstreams.join(", ")} × ${rule} = ${down}  for ${escape(edge.name)}`;
  }

  function backwardSentence(gate) {
    const rule = gate.kind === "copy" ? "[upstream] + [upstream]" : "[upstream] × [local]";
    const head = `<b>${escape(gate.name)}</b> <span class="faint">${escape(gate.pattern)}: ${rule} = [downstream]</span>`;
    return [head, ...gate.inputs.filter((e) => e.downstream !== null).map((e) => edgeSentence(gate, e))].join("\n");
  }

  function sentence(step) {
    if (step === 0) return "The graph before anything is computed: the variables have their values.";
    if (step < turn) return forwardSentence(data.gates[step - 1]);
    if (step === turn) return `The gradient of ${escape(data.loss)} by itself is ${span("gradient", "1")}: the way back begins.`;
    return backwardSentence(backward[step - turn - 1]);
  }

  // What a step shows.

  function gateOf(step) {
    if (step === 0) return null;
    return step < turn ? data.gates[step - 1] : step === turn ? null : backward[step - turn - 1];
  }

  function isComputed(name) {
    return !order.has(name) || order.get(name) < state.step;
  }

  function hasReturned(target) {
    if (target === "") return state.step >= turn;
    return returned.has(target) ? state.step >= returned.get(target) : state.step === last;
  }

  function boxOf(gate) {
    const find = (selector, name) => [...$("stage").querySelectorAll(selector)].find((g) => g.dataset.name === name);
    const own = find(".gate", gate.name);
    if (own) return own;
    const closed = gate.group.map((_, k) => gate.group.slice(0, k + 1).join("."));
    return closed.map((name) => find(".module", name)).find(Boolean);
  }

  function paint() {
    for (const wire of $("stage").querySelectorAll(".wire")) {
      const { source, target } = wire.dataset;
      for (const text of wire.querySelectorAll("text, .plate")) {
        const ready = text.classList.contains("value") ? isComputed(source)
          : text.classList.contains("gradient") ? hasReturned(target)
          : isComputed(target);
        text.classList.toggle("pending", !ready);
      }
    }
    for (const box of $("stage").querySelectorAll(".current, .chosen")) {
      box.classList.remove("current", "forward", "backward", "chosen");
    }
    const gate = gateOf(state.step);
    const box = gate && boxOf(gate);
    if (box) {
      box.classList.add("current", state.step < turn ? "forward" : "backward");
      box.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    const chosen = state.gate === null ? null
      : [...$("stage").querySelectorAll(".gate, .variable")].find((g) => g.dataset.name === state.gate);
    if (chosen) chosen.classList.add("chosen");
    $("sentence").innerHTML = sentence(state.step);
    $("slider").value = state.step;
    const phase = state.step === 0 ? "start" : state.step < turn ? "forward" : "backward";
    $("count").textContent = `step ${state.step} of ${last}, ${phase}`;
    $("back").disabled = state.step === 0;
    $("next").disabled = state.step === last;
  }

  // Numbers of a gate or variable.

  function histogram(counts) {
    const most = Math.max(...counts), wide = 96 / counts.length;
    const bars = counts.map((n, k) => {
      const tall = (26 * n) / most;
      return `<rect x="${k * wide}" y="${26 - tall}" width="${wide - 0.8}" height="${tall}"/>`;
    });
    return `<svg class="histogram" viewBox="0 0 96 26">${bars.join("")}</svg>`;
  }

  function row(label, place, role) {
    if (place === null || place === undefined) return "";
    const tensor = data.tensors[place];
    const summary = tensor.summary ? `<div class="faint">${escape(tensor.summary)} ${histogram(tensor.histogram)}</div>` : "";
    return `<tr><th>${escape(label)}</th><td class="faint">${escape(tensor.shape)}</td>` +
      `<td class="is-${role}">${summary}<pre>${escape(tensor.numbers)}</pre></td></tr>`;
  }

  // A formula of several lines, of which all but the last name a part.
  const inLines = (formula) => escape(formula).replaceAll("; ", "<br>");

  function gateDetail(gate) {
    const line = gate.line ? `<div>${escape(gate.line)}</div>` : "";
    const formula = gate.formula ? `<div class="faint">${inLines(gate.formula)}</div>` : "";
    const rows = [
      ...gate.values.map((value, k) => row(gate.values.length > 1 ? `value ${k}` : "value", value, "value")),
      ...gate.upstreams.map((t, k) => row(gate.upstreams.length > 1 ? `upstream ${k}` : "upstream", t, "gradient")),
      ...gate.inputs.flatMap((edge) => [
        row(`input ${edge.name}`, edge.value, "value"),
        row(`local by ${edge.name}${edge.formula ? ` = ${edge.formula}` : ""}`, edge.local, "local"),
        edge.rule && edge.local === null ? `<tr><th>rule</th><td></td><td class="is-local">${inLines(edge.rule)}</td></tr>` : "",
        row(`downstream to ${edge.name}`, edge.downstream, "gradient"),
      ]),
    ];
    return `<h2>${escape(gate.name)} <span class="faint">${escape(gate.pattern)}</span></h2>${line}${formula}<table>${rows.join("")}</table>`;
  }

  function variableDetail(variable) {
    const rows = row("value", variable.value, "value") + row("gradient", variable.gradient, "gradient");
    return `<h2>${escape(variable.name)} <span class="faint">${escape(variable.kind)}</span></h2><table>${rows}</table>`;
  }

  function choose(name) {
    state.gate = order.has(name) || variables.has(name) ? name : null;
    $("detail").hidden = state.gate === null;
    if (state.gate !== null) {
      const text = order.has(name) ? gateDetail(data.gates[order.get(name)]) : variableDetail(variables.get(name));
      $("detail").innerHTML = `<button class="dismiss" aria-label="Close">✕</button>${text}`;
    }
  }

  // Modules, zoom, time.

  const prefixes = (name) => name.split(".").map((_, k, parts) => parts.slice(0, k + 1).join("."));
  const viewOf = (names) => data.views.findIndex((view) => view.open.join() === [...names].sort().join());

  function openView(view) {
    if (view < 0) return;
    state.view = view;
    $("stage").innerHTML = data.views[view].svg;
    $("open-all").disabled = widest === view;
    $("close-all").disabled = viewOf([]) === view;
    const names = data.views[view].open;
    $("opened").innerHTML = names.length > 12 ? "" // so many are closed all at once, or by a click on their frames
      : names.map((name) => `<button data-name="${escape(name)}" title="Close">${escape(name)} ✕</button>`).join("");
    zoom(state.zoom);
    update();
  }

  function zoom(factor) {
    state.zoom = factor;
    const svg = $("stage").querySelector("svg");
    // Fitted to the page as far as the text stays legible; small pictures no larger than half as large again.
    const width = svg.viewBox.baseVal.width;
    svg.style.width = factor === 0 ? `max(${0.6 * width}px, min(100%, ${1.5 * width}px))` : `${factor * width}px`;
  }

  function scale(by) {
    const svg = $("stage").querySelector("svg");
    zoom((svg.getBoundingClientRect().width / svg.viewBox.baseVal.width) * by);
  }

  function update() {
    paint();
    const view = data.views[state.view].open;
    const parts = [`step=${state.step}`];
    if (view.length) parts.push(`open=${view.map(encodeURIComponent).join(",")}`);
    if (state.gate !== null) parts.push(`gate=${encodeURIComponent(state.gate)}`);
    try {
      history.replaceState(null, "", `#${parts.join("&")}`);
    } catch { /* a page inside a frame may not have an address */ }
  }

  function go(step) {
    state.step = Math.min(last, Math.max(0, step));
    if (state.step === last) pause();
    update();
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    $("play").textContent = "Play";
  }

  function play() {
    if (state.timer !== null) return pause();
    if (state.step === last) go(0);
    $("play").textContent = "Pause";
    state.timer = setInterval(() => go(state.step + 1), 900);
  }

  function readAddress() {
    const wanted = new Map(location.hash.slice(1).split("&").map((part) => part.split("=")));
    const open = wanted.has("open") ? wanted.get("open").split(",").filter(Boolean).map(decodeURIComponent) : null;
    const names = open && new Set(open.flatMap(prefixes));
    state.step = Math.min(last, Math.max(0, parseInt(wanted.get("step") ?? last, 10) || 0));
    choose(wanted.has("gate") ? decodeURIComponent(wanted.get("gate")) : null);
    openView(names === null ? state.view : Math.max(0, viewOf(names)));
  }

  const widest = data.views.reduce((best, view, k) => (view.open.length > data.views[best].open.length ? k : best), 0);
  $("slider").max = last;
  $("slider").addEventListener("input", () => { pause(); go(Number($("slider").value)); });
  $("play").addEventListener("click", play);
  $("back").addEventListener("click", () => { pause(); go(state.step - 1); });
  $("next").addEventListener("click", () => { pause(); go(state.step + 1); });
  $("close-all").addEventListener("click", () => openView(viewOf([])));
  $("open-all").addEventListener("click", () => openView(widest));
  $("smaller").addEventListener("click", () => scale(0.8));
  $("larger").addEventListener("click", () => scale(1.25));
  $("fit").addEventListener("click", () => zoom(0));
  $("opened").addEventListener("click", (event) => {
    if (event.target.dataset.name) openView(viewOf(prefixes(event.target.dataset.name).slice(0, -1)));
  });
  $("detail").addEventListener("click", (event) => {
    if (event.target.classList.contains("dismiss")) { choose(null); update(); }
  });
  $("stage").addEventListener("click", (event) => {
    const box = event.target.closest(".gate, .variable, .module, .frame");
    if (!box) return;
    const name = box.dataset.name;
    if (box.classList.contains("module")) openView(viewOf(prefixes(name)));
    else if (box.classList.contains("frame")) openView(viewOf(prefixes(name).slice(0, -1)));
    else { choose(name); update(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      ArrowRight: () => { pause(); go(state.step + 1); },
      ArrowLeft: () => { pause(); go(state.step - 1); },
      Home: () => { pause(); go(0); },
      End: () => { pause(); go(last); },
      " ": play,
      "+": () => scale(1.25),
      "-": () => scale(0.8),
      0: () => zoom(0),
      Escape: () => { choose(null); update(); },
    };
    if (event.key in keys) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  window.addEventListener("hashchange", readAddress);
  readAddress();
})();
