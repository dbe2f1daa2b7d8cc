export type { Guest, NamedRoom, RoomWish, Said } from "../../actors/guests/guest.ts";
export type { Guests } from "../../actors/guests/guests.ts";
export { GuestRefused, type RefusalReason } from "../../actors/guests/refusal.ts";
