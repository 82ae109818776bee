// Keeps the focus where it is when a part of the page is drawn anew.

/** Redraw an element. If what had the focus is gone, `otherwise` gets it. Focusable parts are told by `data-focus`. */
export function keepingFocus(element: HTMLElement, redraw: () => void, otherwise: HTMLElement = element): void {
  const focused = document.activeElement;
  const key = element.contains(focused) ? (focused as HTMLElement).dataset["focus"] : undefined;
  redraw();
  if (key === undefined || element.contains(document.activeElement)) return;
  const again = element.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`);
  (again ?? otherwise).focus();
}

/** Focus an element, or what has taken its place since it was drawn anew, or else the page's heading. */
export function refocus(element: HTMLElement | null): void {
  const key = element?.dataset["focus"];
  const again = key === undefined ? null : document.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`);
  const isThere = element !== document.body && element?.isConnected;
  (isThere ? element : (again ?? document.querySelector<HTMLElement>("h1")))?.focus();
}

/** Put something above the page, which goes with it when the user signs out. */
export function putAbove(element: HTMLElement): void {
  document.querySelector(".board")!.append(element);
}
