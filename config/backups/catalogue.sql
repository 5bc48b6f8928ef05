-- What the database is made of, one line an object: who owns it, who may do what with it, how it works. A restored
-- database has the same lines, in whatever order its objects were made.

WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('public', 'audit')
), privileges AS (
    SELECT 'r' || c.oid AS key, string_agg(item::text, ' ' ORDER BY item::text) AS granted
    FROM pg_class c, unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) item
    WHERE c.relkind IN ('r', 'v', 'm', 'S', 'p') GROUP BY c.oid
    UNION ALL
    SELECT 'f' || p.oid, string_agg(item::text, ' ' ORDER BY item::text)
    FROM pg_proc p, unnest(coalesce(p.proacl, acldefault('f', p.proowner))) item GROUP BY p.oid
    UNION ALL
    SELECT 'n' || n.oid, string_agg(item::text, ' ' ORDER BY item::text)
    FROM pg_namespace n, unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) item GROUP BY n.oid
)
SELECT format('role %s login=%s superuser=%s bypasses=%s creates_roles=%s creates_databases=%s', rolname, rolcanlogin,
              rolsuper, rolbypassrls, rolcreaterole, rolcreatedb)
FROM pg_roles WHERE rolname IN ('rung_owner', 'rung_app', 'rung_audit')
UNION ALL
SELECT format('member %s of %s inherit=%s set=%s admin=%s', m.member::regrole, m.roleid::regrole, m.inherit_option,
              m.set_option, m.admin_option)
FROM pg_auth_members m WHERE m.member::regrole::text IN ('rung_owner', 'rung_app', 'rung_audit')
UNION ALL
SELECT format('schema %s owner %s granted %s', n.nspname, n.nspowner::regrole, granted)
FROM pg_namespace n JOIN ours USING (oid) LEFT JOIN privileges ON key = 'n' || n.oid
UNION ALL
SELECT format('%s %s.%s owner %s granted %s', CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
              ELSE 'table' END, nspname, relname, c.relowner::regrole, granted)
FROM pg_class c JOIN ours ON ours.oid = c.relnamespace LEFT JOIN privileges ON key = 'r' || c.oid
WHERE c.relkind IN ('r', 'v', 'm', 'S', 'p')
UNION ALL
SELECT format('column %s.%s.%s %s required=%s identity=%s default %s', nspname, relname, attname,
              format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN ours ON ours.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT format('view %s.%s is %s', nspname, relname, pg_get_viewdef(c.oid))
FROM pg_class c JOIN ours ON ours.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT format('constraint %s.%s.%s %s', nspname, relname, conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN ours ON ours.oid = c.relnamespace
WHERE k.contype <> 'n'
UNION ALL
SELECT format('index %s.%s %s', nspname, c.relname, pg_get_indexdef(c.oid))
FROM pg_class c JOIN ours ON ours.oid = c.relnamespace WHERE c.relkind IN ('i', 'I')
UNION ALL
SELECT format('trigger %s.%s enabled=%s %s', nspname, relname, tgenabled, pg_get_triggerdef(t.oid))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ours ON ours.oid = c.relnamespace WHERE NOT tgisinternal
UNION ALL
SELECT format('function %s.%s(%s) owner %s is %s granted %s', nspname, proname, pg_get_function_identity_arguments(p.oid),
              p.proowner::regrole, md5(pg_get_functiondef(p.oid)), granted)
FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace LEFT JOIN privileges ON key = 'f' || p.oid
UNION ALL
SELECT format('default privileges of %s in %s for %s: %s', defaclrole::regrole, nspname, defaclobjtype,
              (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(defaclacl) item))
FROM pg_default_acl JOIN ours ON ours.oid = defaclnamespace
