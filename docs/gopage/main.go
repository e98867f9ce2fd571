// Gopage writes the reference of the Go package in a folder as a page of Markdown: go run main.go FOLDER IMPORTPATH.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// page is what is written, and what its links are made from.
type page struct {
	bytes.Buffer
	files    *token.FileSet
	pkg      *doc.Package
	anchors  map[string]bool
	comments comment.Printer
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go run main.go FOLDER IMPORTPATH")
	}
	folder, path := os.Args[1], os.Args[2]
	p := &page{files: token.NewFileSet(), anchors: map[string]bool{}}
	parsed, err := p.parse(folder)
	if err == nil {
		p.pkg, err = doc.NewFromFiles(p.files, parsed, path)
	}
	if err != nil {
		log.Fatal(err)
	}
	p.comments = comment.Printer{HeadingLevel: 2, HeadingID: func(*comment.Heading) string { return "" }, DocLinkURL: p.link}
	p.findAnchors()
	p.write()
	os.Stdout.Write(p.Bytes())
}

// parse reads the files that a build of this machine takes, and the examples.
func (p *page) parse(folder string) ([]*ast.File, error) {
	found, err := build.ImportDir(folder, 0)
	if err != nil {
		return nil, err
	}
	var parsed []*ast.File
	for _, names := range [][]string{found.GoFiles, found.CgoFiles, found.TestGoFiles, found.XTestGoFiles} {
		for _, name := range names {
			file, err := parser.ParseFile(p.files, filepath.Join(folder, name), nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			parsed = append(parsed, file)
		}
	}
	return parsed, nil
}

func anchor(name string) string { return "go-" + strings.ToLower(strings.ReplaceAll(name, ".", "-")) }

func (p *page) findAnchors() {
	values := func(groups []*doc.Value) {
		for _, group := range groups {
			for _, name := range group.Names {
				p.anchors[name] = true
			}
		}
	}
	values(p.pkg.Consts)
	values(p.pkg.Vars)
	for _, f := range p.pkg.Funcs {
		p.anchors[f.Name] = true
	}
	for _, t := range p.pkg.Types {
		p.anchors[t.Name] = true
		values(t.Consts)
		values(t.Vars)
		for _, f := range t.Funcs {
			p.anchors[f.Name] = true
		}
		for _, m := range t.Methods {
			p.anchors[t.Name+"."+m.Name] = true
		}
	}
}

// link is where a link of a comment leads: a field has no place but its type's.
func (p *page) link(link *comment.DocLink) string {
	name := link.Name
	if link.Recv != "" {
		name = link.Recv + "." + name
	}
	if link.ImportPath != "" {
		return "https://pkg.go.dev/" + link.ImportPath + "#" + name
	}
	if !p.anchors[name] {
		name = link.Recv
	}
	return "#" + anchor(name)
}

func (p *page) write() {
	fmt.Fprintf(p, "# Go: %s\n\n```go\nimport \"%s\"\n```\n\n", p.pkg.Name, p.pkg.ImportPath)
	first, rest, _ := strings.Cut(p.pkg.Doc, "\n\n")
	p.comment(first)
	fmt.Fprint(p, "In a terminal: `cd go && go doc -all .`, or `go doc Check.TakeOver` and its like.\n\n")
	p.comment(rest)
	p.examples(p.pkg.Examples)
	if len(p.pkg.Consts)+len(p.pkg.Vars) > 0 {
		fmt.Fprint(p, "## Constants and variables\n\n")
		p.values(p.pkg.Consts)
		p.values(p.pkg.Vars)
	}
	if len(p.pkg.Funcs) > 0 {
		fmt.Fprint(p, "## Functions\n\n")
		p.functions("", p.pkg.Funcs)
	}
	for _, t := range p.pkg.Types {
		fmt.Fprintf(p, "(%s)=\n## type %s\n\n", anchor(t.Name), t.Name)
		p.declaration(t.Decl)
		p.comment(t.Doc)
		p.values(t.Consts)
		p.values(t.Vars)
		p.examples(t.Examples)
		p.functions("", t.Funcs)
		p.functions(t.Name+".", t.Methods)
	}
}

func (p *page) values(groups []*doc.Value) {
	for _, group := range groups {
		for _, name := range group.Names {
			fmt.Fprintf(p, "(%s)=\n", anchor(name))
		}
		p.declaration(group.Decl)
		p.comment(group.Doc)
	}
}

func (p *page) functions(of string, functions []*doc.Func) {
	for _, f := range functions {
		fmt.Fprintf(p, "(%s)=\n### %s\n\n", anchor(of+f.Name), of+f.Name)
		p.declaration(f.Decl)
		p.comment(f.Doc)
		p.examples(f.Examples)
	}
}

func (p *page) declaration(declaration ast.Decl) { p.code(p.source(declaration)) }

func (p *page) source(node any) string {
	var out strings.Builder
	config := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 4}
	if err := config.Fprint(&out, p.files, node); err != nil {
		log.Fatal(err)
	}
	return out.String()
}

func (p *page) code(text string) { fmt.Fprintf(p, "```go\n%s\n```\n\n", strings.TrimRight(text, "\n")) }

// comment writes a comment's blocks; code in it gets a fence, by which it is coloured.
func (p *page) comment(text string) {
	for _, block := range p.pkg.Parser().Parse(text).Content {
		if code, is := block.(*comment.Code); is {
			p.code(code.Text)
			continue
		}
		p.Write(p.comments.Markdown(&comment.Doc{Content: []comment.Block{block}}))
		p.WriteString("\n")
	}
}

func (p *page) examples(examples []*doc.Example) {
	for _, example := range examples {
		code := p.source(&printer.CommentedNode{Node: example.Code, Comments: example.Comments})
		if _, is := example.Code.(*ast.BlockStmt); is {
			formatted, err := format.Source([]byte(strings.TrimSuffix(strings.TrimPrefix(code, "{"), "}")))
			if err != nil {
				log.Fatal(err)
			}
			code = strings.TrimSpace(string(formatted))
		}
		fmt.Fprint(p, "Example:\n\n")
		p.comment(example.Doc)
		p.code(code)
	}
}
