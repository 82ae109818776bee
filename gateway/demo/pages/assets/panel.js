// The panel of the demonstration's shop: tells what the tracker on this page did. A real shop needs none of this.
"use strict";

const LOOK_EVERY_MS = 200;
const element = (id) => document.getElementById(id);
const links = [...element("partners").querySelectorAll("a")];
const codeOf = (url) => new URL(url, location.href).searchParams.get("aff");

for (const link of document.querySelectorAll("nav a")) {
  if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
}

// A click is what this page sent to the gateway by itself.
let posted = false;
new PerformanceObserver((list) => {
  posted = posted || list.getEntries().some((entry) => entry.initiatorType === "fetch");
}).observe({ type: "resource", buffered: true });

function verdict(code) {
  if (!code) return "Nothing yet: you did not come through a partner’s link.";
  if (posted) return "Posted a click, and kept the answer in two cookies:";
  if (codeOf(location.href) === code) return "Posted nothing, for you came through this link before:";
  return "Posted nothing. You are still known from when you came:";
}

function show() {
  const { clickId, affiliateUrl } = window.affitor.getData();
  const code = affiliateUrl && codeOf(affiliateUrl);
  const partner = links.find((link) => codeOf(link.href) === code);
  const facts = [verdict(clickId && code), partner ? partner.textContent : code, clickId, affiliateUrl];
  ["verdict", "partner", "click-id", "landing"].forEach((id, index) => {
    if (element(id).textContent !== (facts[index] || "")) element(id).textContent = facts[index] || "";
  });
  element("facts").hidden = element("forget").hidden = !clickId;
  element("state").classList.toggle("attributed", !!clickId);
}

element("forget").addEventListener("click", () => {
  window.affitor.consent(false);
  location.href = location.pathname;
});

if (window.affitor) {
  show();
  setInterval(show, LOOK_EVERY_MS);
} else {
  element("verdict").textContent = "The tracker was not loaded. An ad blocker may have stopped it.";
}
