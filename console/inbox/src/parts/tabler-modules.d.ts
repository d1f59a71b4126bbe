declare module "@tabler/icons-react/dist/esm/icons/*.mjs" {
  const icon: import("./tabler").Icon;
  export default icon;
}
