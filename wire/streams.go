package wire

// What streams there are and what their rows hold, release by release. Findings
// about rows, redaction and reports read this one table.

// Column is an element of a row, or of what is nested in one.
type Column struct {
	Name string
	Kind FieldKind
	Null bool // null may stand there instead
	// Columns is what a FieldList, FieldTuple or FieldObject holds.
	Columns []Column
}

// RowShape is how a stream's rows look in the releases from Since on and before
// Before. Zero for Since is the first release.
type RowShape struct {
	Since, Before Release
	// Tag is the text of the first element where that says what the second
	// holds: rows of events and federation. Both are in Columns.
	Tag     string
	Columns []Column

	kind  kind       // as evidence of a release
	in    ReleaseSet // worked out from the releases
	outer signature  // worked out from Columns
	inner signature  // that of the second column, when there is a Tag
}

// Stream is a stream of the table.
type Stream struct {
	Name          string
	Since, Before Release
	Tokens        TokenBehaviour
	// SharesWith is the stream with which it has one counter, "" for none: a
	// token of either is then one of both, and a worker moves in both with it.
	SharesWith string
	Unlimited  bool // up to 1.12 a master sends any number of rows that a worker missed
	Shapes     []RowShape

	index  uint8 // its place in the table
	secret bool  // its rows hold secrets
	in     ReleaseSet
}

// TokenBehaviour is a set of what a stream's tokens do besides going up by one.
// The counter of a stream with none of TokensInMemory and TokensUnordered is kept
// in the database: its tokens never go back, whatever is started again, but for
// what TokensFall says.
type TokenBehaviour uint16

const (
	// TokensInMemory: the counter is in the memory of the writer's process, and
	// begins anew with it.
	TokensInMemory TokenBehaviour = 1 << iota
	// TokensUnordered go back and repeat at any time, as do POSITIONs: a later row
	// says nothing about earlier ones.
	TokensUnordered
	// TokensSilent: the position moves without rows, since the counter is shared
	// with another stream or counts what makes no row.
	TokensSilent
	// TokensBurst go back within what up to 1.13 was sent at once: new rows come
	// first, then those of another table.
	TokensBurst
	// TokensRepeat: up to 1.12, not all rows of one token come as a batch.
	TokensRepeat
	// TokensFall: up to 1.22, a master that is started again goes by the highest
	// token in its tables, and rows with higher ones may have been replaced.
	TokensFall
)

// Persistent reports whether the stream's counter is kept in the database, so
// that its tokens never go back.
func (s *Stream) Persistent() bool { return s.Tokens&(TokensInMemory|TokensUnordered) == 0 }

// Ordered reports whether the rows of one writer come in the order of their
// tokens when the sender speaks one of the dialects.
func (s *Stream) Ordered(set DialectSet) bool {
	return s.Tokens&TokensUnordered == 0 && (s.Tokens&TokensBurst == 0 || set.First() > v1_13)
}

// Columns is what JSON of the kind is made of, nil if that is not fixed.
func (k FieldKind) Columns() []Column {
	switch k {
	case FieldVisit:
		return visitColumns
	case FieldLock:
		return lockColumns
	}
	return nil
}

var visitColumns = []Column{
	{Name: "access_token", Kind: FieldAccessToken},
	{Name: "ip", Kind: FieldIP},
	{Name: "user_agent", Kind: FieldAgent},
	{Name: "device_id", Kind: FieldDevice, Null: true},
	{Name: "last_seen", Kind: FieldTime},
}

var lockColumns = []Column{
	{Name: "instance_name", Kind: FieldInstance},
	{Name: "lock_name", Kind: FieldWord},
	{Name: "lock_key", Kind: FieldFreeText},
}

// Columns that many rows have.
var (
	colUser  = Column{Name: "user_id", Kind: FieldUser}
	colRoom  = Column{Name: "room_id", Kind: FieldRoom}
	colEvent = Column{Name: "event_id", Kind: FieldEvent}
	colType  = Column{Name: "type", Kind: FieldType}
	colKey   = Column{Name: "state_key", Kind: FieldStateKey}
)

// orNull is c where null may stand too.
func (c Column) orNull() Column {
	c.Null = true
	return c
}

// eventColumns is an event as `events` and `backfill` have it, with the first n
// of what was added over time.
func eventColumns(n int) []Column {
	all := []Column{colEvent, colRoom, colType, colKey.orNull(), {Name: "redacts", Kind: FieldEvent, Null: true},
		{Name: "relates_to", Kind: FieldEvent, Null: true}, {Name: "membership", Kind: FieldWord, Null: true},
		{Name: "rejected", Kind: FieldBool}, {Name: "outlier", Kind: FieldBool}}
	return all[:n:n]
}

// tagged is a row of a tag and its data.
func tagged(tag string, kind FieldKind, columns []Column, since, before Release) RowShape {
	return RowShape{Since: since, Before: before, Tag: tag, Columns: []Column{
		{Name: "tag", Kind: FieldWord}, {Name: "data", Kind: kind, Columns: columns}}}
}

// ever is a shape that never changed.
func ever(columns ...Column) []RowShape { return []RowShape{{Columns: columns, Before: unreleased}} }

var presenceColumns = []Column{
	colUser, {Name: "state", Kind: FieldPresence}, {Name: "last_active_ts", Kind: FieldTime},
	{Name: "last_federation_update_ts", Kind: FieldTime}, {Name: "last_user_sync_ts", Kind: FieldTime},
	{Name: "status_msg", Kind: FieldFreeText, Null: true}, {Name: "currently_active", Kind: FieldBool},
}

var (
	colEDU = Column{Name: "edu", Kind: FieldObject, Columns: []Column{
		{Name: "edu_type", Kind: FieldType}, {Name: "content", Kind: FieldContent},
		{Name: "origin", Kind: FieldServer}, {Name: "destination", Kind: FieldServer}}}
	colDestination = Column{Name: "destination", Kind: FieldServer}
)

func receiptColumns(thread bool, data FieldKind) []Column {
	c := []Column{colRoom, {Name: "receipt_type", Kind: FieldType}, colUser, colEvent}
	if thread {
		c = append(c, Column{Name: "thread_id", Kind: FieldThread, Null: true})
	}
	return append(c, Column{Name: "data", Kind: data})
}

// streams is the table, in the order in which the newest release that has them
// all would announce them (STREAMS_MAP), and before those the ones that are
// gone since 1.13.
var streams = []Stream{
	{Name: "current_state_deltas", Since: release(0, 22, 0), Before: release(0, 99, 4), Shapes: ever(
		colRoom, colType, colKey, colEvent.orNull())},
	{Name: "events", Before: unreleased, Tokens: TokensBurst, Shapes: []RowShape{
		tagged("ev", FieldTuple, eventColumns(9), release(1, 64, 0), unreleased),
		tagged("state", FieldTuple, []Column{colRoom, colType, colKey, colEvent.orNull()}, release(0, 99, 4), unreleased),
		tagged("ev", FieldTuple, eventColumns(8), release(1, 23, 0), release(1, 64, 0)),
		tagged("ev", FieldTuple, eventColumns(6), release(0, 99, 5), release(1, 23, 0)),
		tagged("ev", FieldTuple, eventColumns(5), release(0, 99, 4), release(0, 99, 5)),
		tagged("state-all", FieldTuple, []Column{colRoom}, release(1, 96, 0), unreleased),
		{Columns: eventColumns(5), Before: release(0, 99, 4)}}},
	{Name: "backfill", Before: unreleased, Tokens: TokensUnordered, Shapes: []RowShape{
		{Columns: eventColumns(6), Since: release(0, 99, 5), Before: unreleased},
		{Columns: eventColumns(5), Before: release(0, 99, 5)}}},
	{Name: "presence", Unlimited: true, Before: unreleased, Tokens: TokensBurst, Shapes: ever(presenceColumns...)},
	{Name: "presence_federation", Since: release(1, 33, 0), Before: unreleased, Tokens: TokensInMemory, Shapes: ever(
		colDestination, colUser)},
	{Name: "typing", Unlimited: true, Before: unreleased, Tokens: TokensInMemory, Shapes: ever(
		colRoom, Column{Name: "user_ids", Kind: FieldList, Columns: []Column{colUser}})},
	{Name: "receipts", Before: unreleased, Shapes: []RowShape{
		{Columns: receiptColumns(false, FieldContent), Since: release(0, 99, 3), Before: release(1, 69, 0)},
		{Columns: receiptColumns(true, FieldContent), Since: release(1, 69, 0), Before: unreleased},
		{Columns: receiptColumns(false, FieldContentText), Before: release(0, 99, 3)}}},
	{Name: "push_rules", Before: unreleased, Shapes: ever(colUser)},
	{Name: "pushers", Before: unreleased, Shapes: ever(
		colUser, Column{Name: "app_id", Kind: FieldAppID}, Column{Name: "pushkey", Kind: FieldPushKey},
		Column{Name: "deleted", Kind: FieldBool})},
	{Name: "caches", Before: unreleased, Tokens: TokensUnordered, Shapes: []RowShape{
		{Columns: cacheColumns(false), Before: unreleased},
		{Columns: cacheColumns(true), Since: release(1, 9, 0), Before: unreleased}}},
	{Name: "public_rooms", Before: release(1, 41, 0), Tokens: TokensSilent | TokensFall, Shapes: ever(
		colRoom, Column{Name: "visibility", Kind: FieldWord}, Column{Name: "appservice_id", Kind: FieldConfigured, Null: true},
		Column{Name: "network_id", Kind: FieldConfigured, Null: true})},
	{Name: "device_lists", Unlimited: true, Before: unreleased, Tokens: TokensSilent, SharesWith: "user_signature", Shapes: []RowShape{
		{Columns: []Column{{Name: "entity", Kind: FieldEntity}}, Since: release(1, 13, 0), Before: release(1, 76, 0)},
		{Columns: []Column{{Name: "entity", Kind: FieldEntity}, {Name: "is_signature", Kind: FieldBool}},
			Since: release(1, 76, 0), Before: release(1, 110, 0)},
		{Columns: []Column{colUser, {Name: "is_signature", Kind: FieldBool}, {Name: "hosts_calculated", Kind: FieldBool}},
			Since: release(1, 110, 0), Before: unreleased},
		{Columns: []Column{colUser, {Name: "destination", Kind: FieldServer, Null: true}}, Before: release(1, 13, 0)}}},
	{Name: "to_device", Before: unreleased, Shapes: ever(Column{Name: "entity", Kind: FieldEntity})},
	{Name: "federation", Before: unreleased, Tokens: TokensInMemory | TokensRepeat, Shapes: []RowShape{
		tagged("p", FieldObject, presenceColumns, 0, release(1, 33, 0)),
		tagged("pd", FieldObject, []Column{{Name: "state", Kind: FieldObject, Columns: presenceColumns},
			{Name: "dests", Kind: FieldList, Columns: []Column{colDestination}}}, release(0, 99, 4), unreleased),
		tagged("k", FieldObject, []Column{{Name: "key", Kind: FieldContent}, colEDU}, 0, unreleased),
		tagged("e", FieldObject, colEDU.Columns, 0, unreleased),
		tagged("f", FieldObject, []Column{colDestination, {Name: "failure", Kind: FieldFreeText}}, 0, release(0, 33, 2)),
		tagged("d", FieldObject, []Column{colDestination}, 0, release(1, 10, 0))}},
	{Name: "tag_account_data", Before: release(1, 76, 0), Tokens: TokensSilent | TokensFall, SharesWith: "account_data", Shapes: ever(
		colUser, colRoom, Column{Name: "data", Kind: FieldContentText})},
	{Name: "account_data", Before: unreleased, Tokens: TokensSilent | TokensBurst | TokensFall, SharesWith: "tag_account_data", Shapes: []RowShape{
		{Columns: []Column{colUser, colRoom.orNull(), colType}, Since: release(1, 7, 0), Before: unreleased},
		{Columns: []Column{colUser, colRoom.orNull(), colType, {Name: "content", Kind: FieldContentText}}, Before: release(1, 7, 0)}}},
	{Name: "sticky_events", Since: release(1, 148, 0), Before: unreleased, Shapes: ever(colRoom, colEvent)},
	{Name: "thread_subscriptions", Since: release(1, 135, 0), Before: unreleased, Shapes: ever(colUser, colRoom, colEvent)},
	{Name: "groups", Since: release(0, 24, 0), Before: release(1, 61, 0), Shapes: ever(
		Column{Name: "group_id", Kind: FieldGroup}, colUser, colType, Column{Name: "content", Kind: FieldContent})},
	{Name: "user_signature", Unlimited: true, Since: release(1, 6, 0), Before: release(1, 76, 0), Tokens: TokensSilent, SharesWith: "device_lists", Shapes: ever(colUser)},
	{Name: "un_partial_stated_room", Since: release(1, 74, 0), Before: unreleased, Shapes: ever(colRoom)},
	{Name: "un_partial_stated_event", Since: release(1, 75, 0), Before: unreleased, Shapes: ever(
		colEvent, Column{Name: "rejection_status_changed", Kind: FieldBool})},
	{Name: "quarantined_media", Since: release(1, 152, 0), Before: unreleased, Shapes: ever(
		Column{Name: "origin", Kind: FieldServer, Null: true}, Column{Name: "media_id", Kind: FieldMedia},
		Column{Name: "quarantined", Kind: FieldBool})},
}

// cacheColumns: null for the keys is the whole cache, which not all releases know.
func cacheColumns(null bool) []Column {
	return []Column{{Name: "cache_func", Kind: FieldCache}, {Name: "keys", Kind: FieldKeys, Null: null},
		{Name: "invalidation_ts", Kind: FieldTime}}
}

var streamsByName = map[string]*Stream{}

func init() {
	shape := kindShape
	for i := range streams {
		s := &streams[i]
		s.index, s.in = uint8(i), releasesBetween(s.Since, s.Before)
		streamsByName[s.Name] = s
		for j := range s.Shapes {
			s.Shapes[j].work()
			s.Shapes[j].kind = shape
			shape++
		}
	}
}

// StreamOf finds a stream by its name; nil if no release has it.
func StreamOf(name []byte) *Stream { return streamsByName[string(name)] }

// Streams lists all of the table, in its order.
func Streams() []*Stream {
	all := make([]*Stream, len(streams))
	for i := range streams {
		all[i] = &streams[i]
	}
	return all
}

// In is the set of the releases that have the stream.
func (s *Stream) In() ReleaseSet { return s.in }

// In is the set of the releases that write rows like that.
func (r *RowShape) In() ReleaseSet { return r.in }
