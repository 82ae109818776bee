"use client";

import { useClickId } from "../../hooks/use-click-id.js";

export default function SignupPage() {
  const clickId = useClickId();
  return (
    <main>
      <h1>Sign up</h1>
      <form method="post" action="/api/signup">
        <input name="email" type="email" required />
        {/* Store it with the account: it identifies the partner who referred the customer. */}
        <input name="click_id" type="hidden" value={clickId ?? ""} />
        <button>Sign up</button>
      </form>
      <p id="attribution">{clickId ? `A partner referred you: ${clickId}` : "No partner referred you."}</p>
    </main>
  );
}
