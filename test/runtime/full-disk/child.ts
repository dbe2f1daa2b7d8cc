import { deliverAll } from "./deliveries.ts";

// Delivers parcels with a store in the folder that the first argument names, and prints what came of it.

const [folder = "", parcels = "", room = ""] = process.argv.slice(2);
const delivered = await deliverAll({ folder, parcels: Number(parcels), room: Number(room) });
process.stdout.write(JSON.stringify(delivered));
