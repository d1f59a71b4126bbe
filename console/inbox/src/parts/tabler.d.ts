import type { FunctionComponent, SVGProps } from "react";

/** `size` in pixels, `stroke` the width of its lines. */
export type Icon = FunctionComponent<Omit<SVGProps<SVGSVGElement>, "ref" | "stroke"> & { size?: number; stroke?: number }>;
