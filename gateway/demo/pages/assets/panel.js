// The side panel of the demo shop, which shows what the tracker did on this page. A real shop needs none of this.
"use strict";

const LOOK_EVERY_MS = 200;
const element = (id) => document.getElementById(id);
const links = [...element("partners").querySelectorAll("a")];
const codeOf = (url) => new URL(url, location.href).searchParams.get("aff");

for (const link of document.querySelectorAll("nav a")) {
  if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
}

// The only requests that the pages make by fetch are the tracker's clicks and sign-ups.
let posted = false;
new PerformanceObserver((list) => {
  const isClick = ({ initiatorType, name }) => initiatorType === "fetch" && !name.endsWith("/track/lead");
  posted = posted || list.getEntries().some(isClick);
}).observe({ type: "resource", buffered: true });

function verdict(code) {
  if (!code) return "Nothing yet: you did not arrive through a partner’s link.";
  if (posted) return "It sent a click and stored the response in two cookies:";
  if (codeOf(location.href) === code) return "It sent no click, because you have arrived through this link before:";
  return "It sent no click. You are still attributed to this partner:";
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
  element("verdict").textContent = "The tracker did not load. An ad blocker may have blocked it.";
}
