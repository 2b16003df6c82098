declare module "*.bloom" {
  const path: string;
  export default path;
}
