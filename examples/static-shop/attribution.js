// Fills in what `window.affitor` knows. If an ad blocker stops the tracker, that is undefined, and the form is sent
// without a click id.
function show() {
  const { hasAffiliateAttribution, clickId, affiliateUrl } = window.affitor ?? {};
  document.querySelector("[name=click_id]").value = clickId ?? "";
  document.querySelector("#has-attribution").textContent = hasAffiliateAttribution ? "yes" : "no";
  document.querySelector("#click-id").textContent = clickId ?? "none";
  document.querySelector("#affiliate-url").textContent = affiliateUrl ?? "none";
}

// A returning visitor is known before this script runs; one who lands on this very page, once the gateway has answered.
show();
document.addEventListener("affitor:ready", show);
