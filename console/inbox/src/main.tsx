import "./styles";
import "./global.css";

import { createRoot } from "react-dom/client";

import { App } from "./App";
import { loadText, preferredLanguage } from "./text";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
const text = await loadText(preferredLanguage(navigator.language));
createRoot(root).render(<App initialText={text} />);
