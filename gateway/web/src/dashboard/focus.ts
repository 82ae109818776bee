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
