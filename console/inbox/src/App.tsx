import { localStorageColorSchemeManager, MantineProvider, MantineThemeProvider, Notification } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { whenSignedOut } from "./api/http";
import { keys, makeQueryClient } from "./api/queries";
import { endLive } from "./live/connection";
import { makeRouter } from "./router";
import { ChooseLanguage, loadText, rememberLanguage, TextContext, type Language, type Text } from "./text";
import { theme, variables } from "./theme";

const client = makeQueryClient();
const router = makeRouter(client);
const colorScheme = localStorageColorSchemeManager({ key: "centralita.scheme" });

whenSignedOut(() => {
  // A wrong password on the sign-in page is refused as well, but no session ends by it.
  if (client.getQueryData(keys.session) === undefined) return;
  endLive();
  client.clear();
  void router.navigate({ to: "/sign-in", search: { next: router.state.location.pathname, ended: true } });
});

/** The library's button that closes a notification has no name of its own. */
const named = ({ t }: Text) => ({
  components: { Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": t("action.close") } } }) },
});

export function App({ initialText }: { initialText: Text }) {
  const [text, setText] = useState(initialText);
  useEffect(() => {
    document.documentElement.lang = text.language;
  }, [text]);
  const choose = (language: Language) => {
    rememberLanguage(language);
    void loadText(language).then(setText);
  };
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={colorScheme} defaultColorScheme="auto">
      <TextContext value={text}>
        <ChooseLanguage value={choose}>
          <QueryClientProvider client={client}>
            <MantineThemeProvider theme={named(text)}>
              <Notifications position="bottom-right" limit={5} />
            </MantineThemeProvider>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </ChooseLanguage>
      </TextContext>
    </MantineProvider>
  );
}
