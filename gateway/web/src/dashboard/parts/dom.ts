// Creates DOM elements. Text is always inserted as text nodes, never as HTML.

export type Child = Node | string | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((event: Event) => void);

/** Create an element. Functions named `on…` become listeners, `true` sets an empty attribute, `false` none. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child != null && child !== false));
  return element;
}

/** Text for screen readers only. */
export function unseen(text: string): HTMLElement {
  return el("span", { class: "unseen" }, text);
}

let numbers = 0;

/** Return an unused element id. */
export function freshId(): string {
  return `e${++numbers}`;
}

const ROLES: Record<string, string> = {
  TABLE: "table",
  THEAD: "rowgroup",
  TBODY: "rowgroup",
  TR: "row",
  TD: "cell",
};

/** Set ARIA roles on a table's parts. On narrow screens they are laid out as blocks, which removes their own roles. */
export function withRoles(table: HTMLTableElement): HTMLTableElement {
  for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, th, td")]) {
    const header = part.getAttribute("scope") === "row" ? "rowheader" : "columnheader";
    part.setAttribute("role", ROLES[part.tagName] ?? header);
  }
  return table;
}
