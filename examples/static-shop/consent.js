// The site has to remember the choice: the tracker does not store it, and needs it on each page.
const CHOICE = "consent";
const banner = document.querySelector("#banner");

// The queue takes calls before the tracker has loaded as well as after.
window.affitorQueue = window.affitorQueue || [];

function apply(choice) {
  banner.hidden = choice !== null;
  // Until the visitor chooses, the tracker keeps the landing in memory.
  if (choice !== null) window.affitorQueue.push(["consent", choice === "yes"]);
}

function choose(choice) {
  localStorage.setItem(CHOICE, choice);
  apply(choice);
}

document.querySelector("#agree").addEventListener("click", () => choose("yes"));
document.querySelector("#refuse").addEventListener("click", () => choose("no"));
document.querySelector("#withdraw").addEventListener("click", () => {
  // This removes the tracker's cookies, too.
  window.affitorQueue.push(["consent", false]);
  localStorage.removeItem(CHOICE);
  banner.hidden = false;
});
apply(localStorage.getItem(CHOICE));
