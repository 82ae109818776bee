// The token field beside GraphiQL's tabs. Typed text takes effect at once, with the next request.

import { useGraphiQLActions } from "@graphiql/react";
import { useState } from "react";
import { token, use } from "./token.ts";

export function TokenField() {
  const [secret, setSecret] = useState(token() ?? "");
  const { introspect } = useGraphiQLActions();

  function change(typed: string) {
    setSecret(typed);
    use(typed);
  }

  return (
    <form
      className="token-field"
      onSubmit={(event) => {
        event.preventDefault();
        void introspect();
      }}
    >
      <label htmlFor="token">Token</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="cg_…, or none if you are signed in"
        value={secret}
        onChange={(event) => change(event.target.value)}
        onBlur={() => void introspect()}
      />
      <a href="dashboard">Dashboard</a>
    </form>
  );
}
