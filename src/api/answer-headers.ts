/** What each answer carries, whatever it is. */
export function answerHeaders(requestId: string): Readonly<Record<string, string>> {
  return { "x-request-id": requestId, "cache-control": "no-store", "x-content-type-options": "nosniff" };
}
