// The one script of the pages: an approval link carries its secret in the fragment, which browsers send to nobody.
// It takes the secret out of the address, asks for the plan with it, and puts it into the form of the second click.
"use strict";

(() => {
  const secret = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  const field = document.querySelector("form input[name=token]");
  if (field) {
    field.value = secret;
    return;
  }
  const said = document.getElementById("said");
  if (!secret) {
    said.textContent = "This link has no secret in it. Open it from the card again.";
    return;
  }
  fetch(location.pathname + "/plan", { method: "POST", body: new URLSearchParams({ token: secret }) })
    .then((answer) => answer.text())
    .then((text) => {
      const made = new DOMParser().parseFromString(text, "text/html");
      document.title = made.title;
      document.getElementById("main").replaceWith(document.adoptNode(made.getElementById("main")));
      const heading = document.querySelector("h1");
      heading.tabIndex = -1;
      heading.focus();
    })
    .catch(() => { said.textContent = "The app gave no answer. Load the link from the card again."; });
})();
