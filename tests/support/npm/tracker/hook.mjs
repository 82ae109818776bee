// The hook of the Next.js example in an app as Next.js makes them: rendered on the server, then hydrated.
import { createElement } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { useClickId } from "./use-click-id.js";

const App = () => createElement("p", null, useClickId() ?? "nobody's");

window.complaints = [];
window.hydrate = () => {
  const root = document.querySelector("#root");
  root.innerHTML = renderToString(createElement(App));
  window.server = root.textContent;
  window.root = hydrateRoot(root, createElement(App), {
    onRecoverableError: (error) => window.complaints.push(String(error)),
  });
};
