import { Link } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

import { useMe } from "../session/me";
import { may } from "../session/permissions";
import { useText } from "../text";
import classes from "./Knowledge.module.css";

/** The parts of the knowledge area; readers have the list alone. */
export function KnowledgeTabs() {
  const { t, language } = useText();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // A phone shows three of them.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, []);
  if (!may(useMe(), "edit_articles")) return null;
  const tab = { activeOptions: { exact: true }, className: classes.tab };
  return (
    <nav ref={nav} aria-label={t("knowledge.parts")} className={classes.tabs}>
      <Link to="/articles" {...tab}>
        {t("articles.title")}
      </Link>
      <Link to="/articles/checks" {...tab}>
        {t("knowledge.checks")}
      </Link>
      <Link to="/articles/questions" {...tab}>
        {t("knowledge.questions")}
      </Link>
      <Link to="/articles/topics" {...tab}>
        {t("knowledge.topics")}
      </Link>
      <a href={`/help/${language}/`} target="_blank" rel="noreferrer" className={classes.tab}>
        {t("knowledge.helpCentre")}
      </a>
    </nav>
  );
}
