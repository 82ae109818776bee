// The sign-up page: reports the sign-up with one call of the tracker, and shows what was sent and what came back.
"use strict";
{
  const field = (id) => document.getElementById(id);
  const show = (id, text) => (field(id).textContent = text);

  // Only to show the tracker's request. A real page just calls `affitor.signup`.
  const send = window.fetch;
  window.fetch = (url, options) => {
    const { pathname } = new URL(url, location.href);
    if (pathname.endsWith("/track/lead")) {
      show("sent", `POST ${pathname}\n\n${JSON.stringify(JSON.parse(options.body), null, 2)}`);
    }
    return send(url, options);
  };

  async function signUp(customerKey, email) {
    if (!window.affitor) return "The tracker did not load. An ad blocker may have blocked it.";
    const answer = await window.affitor.signup(customerKey, email || undefined);
    return JSON.stringify(answer, null, 2);
  }

  field("sign-up").addEventListener("submit", async (event) => {
    event.preventDefault();
    const customerKey = field("customer-key").value;
    show("sent", "Nothing");
    show("answer", "Waiting …");
    const next = new URL(field("continue").href);
    next.searchParams.set("customer_key", customerKey);
    field("continue").href = next;
    field("exchange").hidden = false;
    show("answer", await signUp(customerKey, field("email").value));
  });
}
