// Links that lead to a section of the dashboard without loading the page again.

/** Let a link lead to a section here with `go`, unless it is to be opened elsewhere. */
export function leading<Link extends HTMLAnchorElement>(link: Link, go: () => void): Link {
  link.addEventListener("click", (event) => {
    if (event.shiftKey || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go();
  });
  return link;
}
