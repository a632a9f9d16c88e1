// Start the design system's components; focus the error summary after a form was swapped in.
import { initAll } from "MODULE_NHSUK";

initAll();

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.target instanceof Element ? event.target : document;
  const summary = target.querySelector(".nhsuk-error-summary");
  if (summary) {
    summary.setAttribute("tabindex", "-1");
    summary.focus();
  }
  initAll({ scope: target });
});
