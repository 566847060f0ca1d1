// Every module that a source file names, found in its syntax tree.
import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** [{ specifier, line, star }]; `star` marks `export * from`. */
export function importsOf(path) {
  const text = readFileSync(path, 'utf8')
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found = []
  const add = (literal, star = false) => {
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return
    const { line } = source.getLineAndCharacterOfPosition(literal.getStart())
    found.push({ specifier: literal.text, line: line + 1, star })
  }
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isExportDeclaration(node))
      add(node.moduleSpecifier, node.exportClause === undefined)
    else if (ts.isImportTypeNode(node)) add(node.argument.literal)
    else if (ts.isCallExpression(node) && loadsModule(node)) add(node.arguments[0])
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function loadsModule({ expression }) {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true
  return ts.isIdentifier(expression) && expression.text === 'require'
}
