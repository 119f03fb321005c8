"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const graphs = [];

  /* Colours: as the system has them, or the other way round. */
  const theme = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  theme.addEventListener("click", () => {
    const now = themes[(themes.indexOf(root.dataset.theme || "auto") + 1) % themes.length];
    if (now === "auto") delete root.dataset.theme; else root.dataset.theme = now;
    theme.textContent = now[0].toUpperCase() + now.slice(1);
    theme.setAttribute("aria-label", now === "auto" ? "Colours: as the system has them" : `Colours: ${now}`);
    graphs.forEach((graph) => graph.recolour());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graphs.forEach((graph) => graph.recolour()));

  /* Search: what does not match is hidden, in the graph it is dimmed. */
  const field = document.getElementById("search");
  const found = document.getElementById("found");
  const things = all("[data-find]").map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { element, text } of things) {
      const hit = words.every((word) => text.includes(word));
      element.hidden = !hit;
      count += hit;
    }
    if (words.length) waitingGraphs.forEach(drawNow);
    graphs.forEach((graph) => graph.search(words));
    found.textContent = words.length ? `${count} found` : "";
  };
  let waiting = 0;
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 80); });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
    const first = field.value && things.find(({ element }) => !element.hidden);
    if (first) { if (first.element.matches("details")) first.element.open = true; first.element.scrollIntoView({ block: "center" }); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(input|textarea)$/i.test(event.target.tagName)) { event.preventDefault(); field.focus(); }
  });

  /* Where we are, in the contents. */
  const links = new Map(all(".contents a").map((link) => [link.getAttribute("href").slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-90px 0px -70% 0px" });
  all(".block").forEach((block) => seen.observe(block));

  /* On paper everything is open. */
  let closed = [];
  addEventListener("beforeprint", () => { closed = all("details:not([open], .licences)"); closed.forEach((one) => { one.open = true; }); });
  addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));

  /* The graph. */
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const style = () => {
    const [surface, text, soft, line] = ["--surface", "--text", "--soft", "--line-strong"].map(colour);
    const state = (name, tone, more) => ({ selector: `node[state="${name}"]`, style: { "background-color": colour(`--${tone}-bg`), "border-color": colour(`--${tone}-line`), ...more } });
    const change = (name, tone, more) => ({ selector: `edge[state="${name}"]`, style: { "line-color": colour(`--${tone}-line`), "target-arrow-color": colour(`--${tone}-line`), ...more } });
    return [
      { selector: "node", style: { shape: "round-rectangle", width: "data(width)", height: 34, label: "data(label)", "font-family": "system-ui, sans-serif", "font-size": 13, "font-weight": 600, "min-zoomed-font-size": 5, color: text, "text-valign": "center", "text-max-width": "data(room)", "text-wrap": "ellipsis", "background-color": surface, "border-width": 2, "border-color": line } },
      state("created", "good", {}), state("changed", "warn", { "border-style": "double", "border-width": 5 }), state("deleted", "bad", { "border-style": "dashed" }),
      { selector: 'node[state="outside"]', style: { "border-style": "dotted", color: soft } },
      { selector: "node[?world]", style: { "underlay-color": text, "underlay-opacity": 0.16, "underlay-padding": 6, "underlay-shape": "round-rectangle" } },
      { selector: "edge", style: { width: 1.6, "curve-style": "bezier", "line-color": line, "target-arrow-color": line, "target-arrow-shape": "triangle", "arrow-scale": 0.9, "loop-direction": "0deg", "loop-sweep": "50deg" } },
      change("created", "good", { width: 2.6 }), change("changed", "warn", { width: 2.6 }), change("deleted", "bad", { width: 2.6, "line-style": "dashed" }),
      { selector: "edge[?cycle]", style: { width: 4, "line-color": colour("--circle"), "target-arrow-color": colour("--circle") } },
      { selector: "edge.told", style: { label: "data(label)", "font-size": 11, color: text, "text-background-color": surface, "text-background-opacity": 0.92, "text-background-padding": 3, "text-rotation": "autorotate", "z-index": 9 } },
      { selector: "edge.many", style: { opacity: 0.55, width: 3 } },
      { selector: "edge.crowd", style: { opacity: 0.35, width: 2 } },
      { selector: "edge.told", style: { opacity: 1, width: 3 } },
      { selector: ".dim", style: { opacity: 0.1 } },
      { selector: "node.hit, node:selected", style: { "border-color": colour("--focus"), "border-width": 4, "border-style": "solid" } },
    ];
  };

  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "600 13px system-ui, sans-serif";
  const elements = (data) => [
    ...data.nodes.map((node) => {
      const width = Math.min(240, Math.max(56, 24 + pen.measureText(node.label).width));
      return { group: "nodes", data: { ...node, width, room: `${width - 14}px` } };
    }),
    ...data.edges.map((edge, index) => ({ group: "edges", data: { ...edge, id: `e${index}` } })),
  ];

  const draw = (box) => {
    const data = JSON.parse(document.getElementById(box.id.replace(/-box$/, "-data")).textContent);
    const canvas = box.querySelector(".canvas");
    const info = box.querySelector(".info");
    const alone = box.querySelector('[data-do="alone"]');
    const only = box.querySelector('[data-do="only"]');
    const graph = cytoscape({ container: canvas, elements: elements(data), style: style(), minZoom: 0.01, maxZoom: 3, layout: { name: "null" }, boxSelectionEnabled: false, autounselectify: false });
    const lonely = graph.nodes().filter((node) => node.connectedEdges().filter((edge) => !edge.isLoop()).empty());
    const joined = graph.elements().difference(lonely).difference(lonely.connectedEdges());
    const many = graph.edges().length > 150;
    /* Of many, those that change and those of circles stand out. */
    const quiet = graph.edges('[state="same"]').length ? graph.edges('[state="same"]') : graph.edges();
    if (many) quiet.not("[?cycle]").addClass("many");
    if (graph.edges("[?cycle]").length > 150) graph.edges().addClass("crowd");
    const moved = graph.elements('[state="created"], [state="changed"], [state="deleted"]');
    const kept = graph.elements().difference(moved.union(moved.closedNeighborhood()).union(moved.connectedNodes()));
    if (!lonely.length || !joined.length) box.querySelector(".alone").remove();
    alone.checked = lonely.length <= 24 || !joined.length;
    if (!moved.length || kept.nodes().length < 8) only.closest("label").remove();
    const fit = () => {
      graph.fit(graph.elements(":visible"), many ? 58 : 36); /* clear of the buttons */
      if (graph.zoom() > 1.25) { graph.zoom(1.25); graph.center(graph.elements(":visible")); }
    };
    const shownOf = (part) => part.filter((one) => one.visible());
    /* From left to right or from the top down, whichever can be drawn larger. */
    const flow = (rankDir) => {
      const down = rankDir === "TB";
      shownOf(joined).layout({ name: "dagre", rankDir, nodeSep: down ? 22 : 14, edgeSep: 8, rankSep: down ? 64 : 76, ranker: "network-simplex", animate: false, fit: false }).run();
      const { w, h } = shownOf(joined).boundingBox();
      return Math.min(canvas.clientWidth / w, canvas.clientHeight / h);
    };
    /* So many that layers would take the browser minutes: in rings, those with the most references inside. */
    const rings = () => shownOf(joined).layout({ name: "concentric", concentric: (node) => node.degree(), levelWidth: () => 1, minNodeSpacing: 6, spacingFactor: 0.6, avoidOverlap: false, animate: false, fit: false }).run();
    /* So tangled that layers would be too small to read: in their order, but in as many columns as the picture has room for. */
    const fold = () => {
      const nodes = shownOf(joined).nodes().sort((a, b) => a.position("x") - b.position("x") || a.position("y") - b.position("y"));
      const [across, down] = [Math.max(...nodes.map((node) => node.data("width"))) + 40, 56];
      const columns = Math.max(1, Math.round(Math.sqrt((nodes.length * down * canvas.clientWidth) / (across * canvas.clientHeight))));
      const rows = Math.ceil(nodes.length / columns);
      nodes.positions((node, index) => ({ x: Math.floor(index / rows) * across, y: (index % rows) * down + (Math.floor(index / rows) % 2) * 20 }));
    };
    const arrange = () => {
      if (graph.edges().length > 900) { rings(); return; }
      if (many) { if (flow("LR") < 0.3) fold(); return; }
      if (flow("LR") >= flow("TB")) flow("LR");
    };
    const show = () => {
      graph.elements().style("display", "element");
      if (!alone.checked && joined.length) lonely.style("display", "none");
      if (only.checked && only.isConnected) kept.style("display", "none");
    };
    const place = () => {
      const shown = alone.checked || !joined.length;
      show();
      if (joined.length) arrange();
      if (shown && lonely.length) {
        const around = joined.length ? shownOf(joined).boundingBox() : { x1: 0, y2: 0, w: 0 };
        const columns = Math.max(3, Math.round(Math.max(around.w, 900) / 240));
        lonely.positions((node, index) => ({ x: around.x1 + 110 + (index % columns) * 240, y: around.y2 + 70 + Math.floor(index / columns) * 58 }));
      }
      graph.nodes().forEach((node) => node.scratch("home", { ...node.position() }));
      inPart = false;
      fit();
    };
    /* In a large graph a part is drawn by itself, so that it can be read. */
    let inPart = false;
    const single = (part) => {
      show();
      graph.elements().difference(part).style("display", "none");
      part.style("display", "element");
      part.layout({ name: "dagre", rankDir: "LR", nodeSep: 16, rankSep: 150, animate: false, fit: false }).run();
      inPart = true;
      fit();
    };
    const whole = () => {
      if (!inPart) return;
      inPart = false;
      graph.nodes().positions((node) => node.scratch("home"));
      show();
      fit();
    };
    const move = (change) => (still.matches ? Object.entries(change).forEach(([name, value]) => (name === "fit" ? graph.fit(value.eles, value.padding) : graph[name](value))) : graph.animate(change, { duration: 220 }));
    const zoom = (by) => graph.zoom({ level: graph.zoom() * by, renderedPosition: { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 } });
    const clear = () => { graph.elements().removeClass("dim hit told"); info.hidden = true; whole(); };

    const tell = (node) => {
      clear();
      const near = node.closedNeighborhood();
      if (many) single(near); else graph.elements().difference(near).addClass("dim");
      near.edges().addClass("told");
      const title = document.createElement("h3");
      title.textContent = node.data("label");
      const words = document.createElement("p");
      const circle = node.data("cycle") ? ", in a circle" : "";
      words.textContent = `${node.data("sub")} ${node.data("state") === "same" ? "unchanged" : node.data("state")}, ${node.data("rules")} rules, named by ${node.outgoers("node").length}, names ${node.incomers("node").length}${circle}`.trim();
      const open = document.createElement("button");
      open.type = "button";
      open.textContent = "Show its rules";
      const block = all("details.group", box.closest(".part")).find((one) => one.dataset.id === node.id());
      open.addEventListener("click", () => { block.open = true; block.scrollIntoView({ block: "start" }); block.querySelector("summary").focus({ preventScroll: true }); block.classList.add("aim"); setTimeout(() => block.classList.remove("aim"), 1600); });
      info.replaceChildren(title, words, ...(block ? [open] : []));
      info.hidden = false;
    };
    graph.on("tap", "node", (event) => tell(event.target));
    graph.on("tap", "edge", (event) => { clear(); event.target.addClass("told"); });
    graph.on("tap", (event) => { if (event.target === graph) clear(); });

    const keys = {
      "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: () => { clear(); fit(); }, Escape: clear,
      ArrowLeft: () => graph.panBy({ x: 60, y: 0 }), ArrowRight: () => graph.panBy({ x: -60, y: 0 }), ArrowUp: () => graph.panBy({ x: 0, y: 60 }), ArrowDown: () => graph.panBy({ x: 0, y: -60 }),
    };
    canvas.addEventListener("keydown", (event) => { if (keys[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); keys[event.key](); } });
    const buttons = { in: () => zoom(1.25), out: () => zoom(0.8), fit: keys[0] };
    all("button[data-do]", box).forEach((button) => button.addEventListener("click", buttons[button.dataset.do]));
    alone.addEventListener("change", place);
    only.addEventListener("change", place);

    const lookup = (words) => {
      clear();
      if (!words.length) return;
      const hits = graph.nodes().filter((node) => words.every((word) => `${node.data("label")} ${node.data("sub")}`.toLowerCase().includes(word)));
      if (hits.empty()) return;
      if (hits.some((node) => !node.visible())) { alone.checked = true; only.checked = false; place(); }
      hits.addClass("hit");
      if (hits.length === 1) { tell(hits[0]); hits.addClass("hit"); }
      else if (many && hits.length < 60) single(hits.closedNeighborhood());
      else graph.elements().difference(hits.closedNeighborhood()).addClass("dim");
      if (!many) move({ fit: { eles: hits.closedNeighborhood(), padding: 60 } });
    };
    place();
    graphs.push({ graph, search: lookup, recolour: () => graph.style(style()) });
  };
  /* A graph is drawn when it comes near, or is searched. */
  const waitingGraphs = new Set(all(".graph"));
  const drawNow = (box) => { if (waitingGraphs.delete(box)) draw(box); };
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) { near.unobserve(entry.target); drawNow(entry.target); } }), { rootMargin: "500px" });
  waitingGraphs.forEach((box) => near.observe(box));
  addEventListener("beforeprint", () => waitingGraphs.forEach(drawNow));
  root.dataset.ready = "true";
})();
