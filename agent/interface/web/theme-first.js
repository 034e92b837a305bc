"use strict";
// Runs before the page is painted, so that a dark page never flashes white.
try {
  const theme = localStorage.getItem("organon-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the system's scheme holds */ }
