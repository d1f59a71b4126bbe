import { SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { use } from "react";

import { ChooseLanguage, LANGUAGES, useText, type Language } from "../text";

// In its own language, so that who cannot read the page finds it.
const OWN_NAMES: Record<Language, string> = { en: "English", es: "Español" };

export function LanguageChoice({ fullWidth = false }: { fullWidth?: boolean }) {
  const { t, language } = useText();
  const choose = use(ChooseLanguage);
  return (
    <SegmentedControl
      size="xs"
      fullWidth={fullWidth}
      aria-label={t("settings.language")}
      value={language}
      onChange={choose}
      data={LANGUAGES.map((value) => ({ value, label: OWN_NAMES[value] }))}
    />
  );
}

export function SchemeChoice() {
  const { t } = useText();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      size="xs"
      fullWidth
      aria-label={t("settings.scheme")}
      value={colorScheme}
      onChange={setColorScheme}
      data={(["light", "dark", "auto"] as const).map((value) => ({ value, label: t(`scheme.${value}`) }))}
    />
  );
}
