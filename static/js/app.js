// Everything a signed-in page needs.
import "./theme-toggle.js";
import "./shortcuts.js";
import "./menus.js";
import "./calls.js";
import "./player.js";
import "./comments.js";
import "./back.js";
import "./switcher.js";
