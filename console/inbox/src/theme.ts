import { createTheme, Drawer, Modal, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const petrol: MantineColorsTuple = [
  "#ebf7f5",
  "#d3ebe7",
  "#a6d8d0",
  "#77c5ba",
  "#4fb3a6",
  "#33a597",
  "#1d8e81",
  "#117a6e",
  "#0f6e64",
  "#0a544c",
];

export const theme = createTheme({
  primaryColor: "petrol",
  primaryShade: { light: 8, dark: 7 },
  colors: { petrol },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  components: {
    Modal: Modal.extend({ styles: { title: { fontWeight: 650 } } }),
    Drawer: Drawer.extend({ styles: { title: { fontWeight: 650 } } }),
  },
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", Menlo, monospace',
});

/** The library's greys for secondary text are below 4.5:1 on our grounds. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#1a2225",
    "--mantine-color-dimmed": "#55616a",
    "--mantine-color-placeholder": "#66727a",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-anchor": "#0f6e64",
  },
  dark: {
    "--mantine-color-body": "#1b1f22",
    "--mantine-color-text": "#e5e9eb",
    "--mantine-color-dimmed": "#a4afb6",
    "--mantine-color-placeholder": "#96a1a8",
    "--mantine-color-error": "#ff8a80",
    "--mantine-color-anchor": "#63c7b9",
  },
});
