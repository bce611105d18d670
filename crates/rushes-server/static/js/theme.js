// Runs before the first paint, as a classic script, so that a chosen theme
// never flashes in the other one. Everything else is a module.
(() => {
  const key = "rushes.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be denied; the system's choice holds then
    }
  };
  const apply = (theme) => {
    if (theme === "dark" || theme === "light") {
      document.documentElement.dataset.theme = theme;
    } else {
      delete document.documentElement.dataset.theme;
    }
  };
  apply(stored());
  window.rushesTheme = {
    current: () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light"),
    toggle() {
      const next = this.current() === "dark" ? "light" : "dark";
      const follows = next === (system.matches ? "dark" : "light");
      apply(follows ? null : next);
      try {
        if (follows) localStorage.removeItem(key);
        else localStorage.setItem(key, next);
      } catch {
        // the choice then lasts as long as the page
      }
      return next;
    },
    onSystemChange: (listener) => system.addEventListener("change", listener),
  };
})();
