// Fills in what `window.affitor` knows. Where an ad blocker keeps the tracker away there is none, and the form is sent
// without a click id.
function show() {
  const { hasAffiliateAttribution, clickId, affiliateUrl } = window.affitor ?? {};
  document.querySelector("[name=click_id]").value = clickId ?? "";
  document.querySelector("#has-attribution").textContent = hasAffiliateAttribution ? "yes" : "no";
  document.querySelector("#click-id").textContent = clickId ?? "none";
  document.querySelector("#affiliate-url").textContent = affiliateUrl ?? "none";
}

// Both are needed: a visitor who is known already was so before this script ran, and one who lands on this very page is
// known once the gateway has answered.
show();
document.addEventListener("affitor:ready", show);
