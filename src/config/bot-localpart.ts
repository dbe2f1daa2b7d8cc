/** The part between @ and : of the user that owns the space, and that the application service sends as. */
export const botLocalpart = "letta-matrix";
