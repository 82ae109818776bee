"use client";

import { useClickId } from "../../hooks/use-click-id.js";

export default function SignupPage() {
  const clickId = useClickId();
  return (
    <main>
      <h1>Sign up</h1>
      <form method="post" action="/api/signup">
        <input name="email" type="email" required />
        {/* Store it with the account: it tells which partner brought the customer. */}
        <input name="click_id" type="hidden" value={clickId ?? ""} />
        <button>Sign up</button>
      </form>
      <p id="attribution">{clickId ? `You came by a partner: ${clickId}` : "You found us by yourself."}</p>
    </main>
  );
}
