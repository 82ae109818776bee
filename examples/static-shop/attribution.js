// Fills in what `window.affitor` knows. If an ad blocker stops the tracker, that is undefined, and the form is sent
// without a click id.
function show() {
  const { hasAffiliateAttribution, clickId, affiliateUrl } = window.affitor ?? {};
  document.querySelector("[name=click_id]").value = clickId ?? "";
  document.querySelector("#has-attribution").textContent = hasAffiliateAttribution ? "yes" : "no";
  document.querySelector("#click-id").textContent = clickId ?? "none";
  document.querySelector("#affiliate-url").textContent = affiliateUrl ?? "none";
}

// For a returning visitor, the tracker has the data before this script runs. For one who lands on this page, it has the
// data once the gateway has answered.
show();
document.addEventListener("affitor:ready", show);
