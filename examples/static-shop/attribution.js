// The tracker fires this event whenever attribution is settled. If an ad blocker keeps the tracker away, it never comes,
// and the form is sent without a click id.
document.addEventListener("affitor:ready", (event) => {
  const { hasAttribution, clickId, affiliateUrl } = event.detail;
  document.querySelector("[name=click_id]").value = clickId ?? "";
  document.querySelector("#has-attribution").textContent = hasAttribution ? "yes" : "no";
  document.querySelector("#click-id").textContent = clickId ?? "none";
  document.querySelector("#affiliate-url").textContent = affiliateUrl ?? "none";
});
