// Imported `with { type: "file" }`: the file is not parsed but carried along, and the import is its path.
declare module "swagger-ui-dist/*" {
  const path: string;
  export = path;
}
