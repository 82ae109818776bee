// Reports the sign-up. A real shop creates the account on its server first; `key` is then the account's id, which later
// sales name.
document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const email = document.querySelector("[name=email]").value;
  const key = `user_${crypto.randomUUID().slice(0, 8)}`;
  const answer = (await window.affitor?.signup(key, email)) ?? { message: "The tracker has not loaded." };
  document.querySelector("#outcome").textContent = `${key}: ${answer.message ?? answer.error}`;
});
