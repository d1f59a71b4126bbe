import { useEffect, useEffectEvent, useRef, type RefObject } from "react";

/** Calls `onNear` while the marked element is within a screenful of being seen in `box`, as long as `wanted`. */
export function useNear(box: RefObject<HTMLElement | null>, onNear: () => void, wanted: boolean) {
  const mark = useRef<HTMLDivElement>(null);
  const near = useEffectEvent(onNear);
  useEffect(() => {
    if (!wanted || !mark.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && near(), {
      root: box.current,
      rootMargin: "100%",
    });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [box, wanted]);
  return mark;
}
