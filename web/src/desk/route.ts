/** Which page an address names. Addresses hold UIDs and nothing that names a person. */

export type Route =
  | { readonly page: 'worklist' }
  | { readonly page: 'study'; readonly study: string }
  | { readonly page: 'models' }
  | { readonly page: 'audit' }
  | { readonly page: 'unknown' };

/** PS3.5 9.1: digits and dots, 64 characters at most. */
const UID = /^[0-9]+(\.[0-9]+)*$/;

export function parseRoute(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second, ...rest] = parts;
  if (first === undefined || (first === 'worklist' && second === undefined)) return { page: 'worklist' };
  if (first === 'studies' && second !== undefined && rest.length === 0) {
    return second.length <= 64 && UID.test(second) ? { page: 'study', study: second } : { page: 'unknown' };
  }
  if (first === 'models' && second === undefined) return { page: 'models' };
  if (first === 'audit' && second === undefined) return { page: 'audit' };
  return { page: 'unknown' };
}

export function toPath(route: Route): string {
  switch (route.page) {
    case 'study':
      return `/studies/${route.study}`;
    case 'models':
      return '/models';
    case 'audit':
      return '/audit';
    case 'worklist':
    case 'unknown':
      return '/';
  }
}
