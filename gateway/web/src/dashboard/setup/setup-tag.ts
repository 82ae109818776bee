// The tag to put on a site's pages, and how to do it with what sites are made with.

import { ROOT } from "../../endpoint.ts";
import type { Setup } from "../api/setup-queries.ts";
import { copyButton } from "../parts/copy.ts";
import { el } from "../parts/dom.ts";
import { panel } from "../parts/panel.ts";

/** A way to install the tag: its name, what to do, and the code. */
type Way = readonly [name: string, steps: string, code: string];

export class TagPanel {
  readonly element: HTMLElement;
  private readonly ways = el("div", { class: "ways" });
  private drawn = "";

  constructor() {
    this.element = panel("The tag for your pages", {}, this.ways);
  }

  show({ program, scriptPath }: Setup): void {
    const script = scriptUrl(scriptPath);
    const drawn = `${script} ${program.databaseId}`;
    // Somebody may be reading one of them.
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const [[, words, code], ...others] = waysOf(script, program.databaseId);
    const more = others.map(([name, steps, text]) => el("details", {}, el("summary", {}, name), el("p", {}, steps), block(text, name)));
    this.ways.replaceChildren(el("p", {}, words), block(code, "HTML"), ...more);
  }
}

/** Return the URL of the tracker's script. */
export function scriptUrl(path: string): string {
  return new URL(path.slice(1), ROOT).href;
}

function block(code: string, name: string): HTMLElement {
  const text = el("pre", { tabindex: "0", role: "region", "aria-label": `Code for ${name}` }, el("code", { dir: "ltr" }, code));
  return el("div", { class: "code" }, text, copyButton(code, `the code for ${name}`));
}

function waysOf(script: string, program: number): [Way, ...Way[]] {
  const tag = `<script src="${script}" data-affitor-program-id="${program}" defer></script>`;
  const made = [
    "<script>",
    "  (function () {",
    '    var script = document.createElement("script");',
    `    script.src = "${script}";`,
    `    script.setAttribute("data-affitor-program-id", "${program}");`,
    "    document.head.appendChild(script);",
    "  })();",
    "</script>",
  ].join("\n");
  const next = [
    'import Script from "next/script";',
    "",
    `<Script src="${script}" data-affitor-program-id="${program}" strategy="afterInteractive" />`,
  ].join("\n");
  return [
    ["HTML", "Put this line into the <head> of every page, so that no landing is missed.", tag],
    ["Google Tag Manager", "Create a Custom HTML tag with this code, and let it fire on All Pages. Tag Manager drops attributes of scripts, so the code makes the element itself.", made],
    ["Next.js", "Put the element into app/layout.jsx, inside <body>.", next],
    ["Shopify", "Open Online Store → Themes → … → Edit code → layout/theme.liquid, and put this line before </head>.", tag],
  ];
}
