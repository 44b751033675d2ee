package segment

import (
	"errors"

	"github.com/parquet-go/parquet-go"
)

// Rows are the rows of one page, read, column by column and only those that
// are asked for.
type Rows struct {
	page *Page
	r    *Reader

	times, ingestions, seqs []int64
	indexes                 []int32
	places                  []int32 // of the rows' streams in dict
	dict                    parquet.Dictionary
	names                   map[int32]string
	messages                []byte
	offsets                 []uint32
	held                    []parquet.Page
}

// NewRows returns the rows of a page of r, of which nothing is read yet. The caller
// closes them.
func NewRows(r *Reader, page *Page) *Rows {
	return &Rows{page: page, r: r, names: map[int32]string{}}
}

// hold reads a column's page and keeps it until close.
func (p *Rows) hold(column int) (parquet.Page, error) {
	page, err := p.r.column(p.page, column)
	if err == nil {
		p.held = append(p.held, page)
	}
	return page, err
}

func (p *Rows) int64s(dst *[]int64, column int) error {
	if *dst != nil {
		return nil
	}
	page, err := p.hold(column)
	if err == nil {
		data := page.Data()
		*dst = data.Int64()
	}
	return err
}

// ReadTimes reads the timestamps, for Times.
func (p *Rows) ReadTimes() error { return p.int64s(&p.times, colTime) }

// ReadStreams reads which stream each row has, for Stream and Places.
func (p *Rows) ReadStreams() error {
	if p.places != nil {
		return nil
	}
	page, err := p.hold(colStream)
	if err != nil {
		return err
	}
	data := page.Data()
	if p.places, p.dict = data.Int32(), page.Dictionary(); p.dict == nil {
		return errors.New("the stream column has no dictionary")
	}
	return nil
}

// ReadMessages reads the messages, for Message and Search.
func (p *Rows) ReadMessages() error {
	page, err := p.hold(colMessage)
	if err != nil {
		return err
	}
	data := page.Data()
	p.messages, p.offsets = data.ByteArray()
	if len(p.offsets) != p.page.Rows+1 {
		return errors.New("the message column has no offset for each row")
	}
	return nil
}

// ReadRest reads what Row needs besides messages.
func (p *Rows) ReadRest() error {
	if p.indexes == nil {
		page, err := p.hold(colIndex)
		if err != nil {
			return err
		}
		data := page.Data()
		p.indexes = data.Int32()
	}
	return errors.Join(p.ReadTimes(), p.ReadStreams(), p.int64s(&p.ingestions, colIngestion), p.int64s(&p.seqs, colSeq))
}

// ReadAll reads every column.
func (p *Rows) ReadAll() error { return errors.Join(p.ReadMessages(), p.ReadRest()) }

// Page returns what the index says of the page.
func (p *Rows) Page() *Page { return p.page }

// Times returns the timestamps.
func (p *Rows) Times() []int64 { return p.times }

// Places returns a number for each row's stream: equal ones are one stream.
func (p *Rows) Places() []int32 { return p.places }

// Message returns the message of a row, good until Close.
func (p *Rows) Message(i int) []byte { return p.messages[p.offsets[i]:p.offsets[i+1]] }

// Stream returns the stream of a row.
func (p *Rows) Stream(i int) string {
	name, ok := p.names[p.places[i]]
	if !ok {
		name = string(p.dict.Index(p.places[i]).ByteArray())
		p.names[p.places[i]] = name
	}
	return name
}

// Row returns a row; its message is good until close.
func (p *Rows) Row(i int) Row {
	return Row{
		Pos:       Position{Timestamp: p.times[i], Seq: uint64(p.seqs[i]), Index: uint32(p.indexes[i])},
		Ingestion: p.ingestions[i], Stream: p.Stream(i), Message: p.Message(i),
	}
}

// Close lets go of what was read.
func (p *Rows) Close() {
	for _, page := range p.held {
		parquet.Release(page)
	}
	p.held = nil
}
