// The choice is the site's to remember: the tracker keeps no record of it, and is told on each page.
const CHOICE = "consent";
const banner = document.querySelector("#banner");

// The queue takes calls before the tracker has loaded as well as after.
window.affitorQueue = window.affitorQueue || [];

function apply(choice) {
  banner.hidden = choice !== null;
  // A visitor who has not chosen yet is neither remembered nor forgotten: the landing waits for the answer.
  if (choice !== null) window.affitorQueue.push(["consent", choice === "yes"]);
}

function choose(choice) {
  localStorage.setItem(CHOICE, choice);
  apply(choice);
}

document.querySelector("#agree").addEventListener("click", () => choose("yes"));
document.querySelector("#refuse").addEventListener("click", () => choose("no"));
document.querySelector("#withdraw").addEventListener("click", () => {
  // Also removes the tracker's cookies.
  window.affitorQueue.push(["consent", false]);
  localStorage.removeItem(CHOICE);
  banner.hidden = false;
});
apply(localStorage.getItem(CHOICE));
