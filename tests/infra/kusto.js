// Reads queries as JSON ({name: query}) from stdin, and prints what Microsoft's own parser of the Kusto query language
// has against each, with the columns that Log Analytics gives the table AppMetrics. Called by test_queries.py.

const fs = require('fs');
const path = require('path');
const vm = require('vm');

const library = path.join(process.argv[2], '@kusto', 'language-service-next');
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(library, file), 'utf8'), { filename: file });
}

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;
const columns =
  '(TimeGenerated:datetime, Name:string, Sum:real, Min:real, Max:real, ItemCount:int, Properties:dynamic, ' +
  'AppRoleName:string, AppRoleInstance:string, OperationId:string, ParentId:string)';
const table = Symbols.TableSymbol.From(columns).WithName('AppMetrics');
const database = new Symbols.DatabaseSymbol.ctor('logs', [table]);
const known = GlobalState.Default.WithDatabase(database);

const found = {};
for (const [name, query] of Object.entries(JSON.parse(fs.readFileSync(0, 'utf8')))) {
  const told = KustoCode.ParseAndAnalyze(query, known).GetDiagnostics();
  found[name] = Array.from({ length: told.Count }, (_, at) => told.getItem(at).Message);
}
console.log(JSON.stringify(found));
